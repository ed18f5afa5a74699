// Asks before an action that cannot be taken back: <form data-confirm="QUESTION">. Without it the server does what the
// button says.

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}
