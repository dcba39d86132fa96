// Browsers without modules cannot check a proof: say whose verdict the page shows.
var line = document.getElementById("checker");
if (line) line.textContent = line.getAttribute("data-unable");
