// Stands for the verifier: it notes what it was asked and answers what the test has put into the window.
export async function checkOnDevice(question) {
  (window.asked ??= []).push(question);
  const answer = window.standIn;
  if (answer.error) throw new Error(answer.error);
  return answer;
}
