// Passkeys, the only thing on these pages that needs script, and ticking all rows. Nothing is fetched from elsewhere.
"use strict";
(() => {
  const decode = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const encode = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const post = async (path, body, token) => {
    const headers = { "Content-Type": "application/json" };
    if (token) headers["X-Form-Token"] = token;
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.status === 204 ? null : answer.json();
  };

  const spell = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = encode(credential.response[name]);
    }
    return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response };
  };

  const logIn = async () => {
    const publicKey = await post("/login/passkey/options", {});
    publicKey.challenge = decode(publicKey.challenge);
    publicKey.allowCredentials = [];
    await post("/login/passkey", spell(await navigator.credentials.get({ publicKey })));
    location.assign("/");
  };

  const add = async (form) => {
    const token = form.elements.form_token.value;
    const publicKey = await post("/account/passkeys/options", {}, token);
    publicKey.challenge = decode(publicKey.challenge);
    publicKey.user.id = decode(publicKey.user.id);
    for (const one of publicKey.excludeCredentials || []) one.id = decode(one.id);
    const credential = spell(await navigator.credentials.create({ publicKey }));
    await post("/account/passkeys", { label: form.elements.label.value, credential }, token);
    location.reload();
  };

  const offer = (box, event, act) => {
    if (!box || !window.PublicKeyCredential) return;
    box.hidden = false;
    box.addEventListener(event, async (happened) => {
      if (event === "click" && !happened.target.closest("button")) return;
      happened.preventDefault();
      const status = box.querySelector("[role=status]");
      status.textContent = "";
      try {
        await act(box);
      } catch {
        status.textContent = box.dataset.failed;
      }
    });
  };

  offer(document.getElementById("passkey-login"), "click", logIn);
  offer(document.getElementById("passkey-add"), "submit", add);

  for (const all of document.querySelectorAll("input[data-tick-all]")) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of all.closest("table").querySelectorAll("tbody input[type=checkbox]")) box.checked = all.checked;
    });
  }
})();
