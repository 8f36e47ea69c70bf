// Asks the server whether there is something new, and shows it: nothing moves while nothing changed.
(() => {
  const shown = document.querySelector("main").dataset.mark;
  const ask = async () => {
    try {
      const answer = await fetch("/mark");
      if (answer.ok && (await answer.text()) !== shown) location.reload();
    } catch { /* The server is away: the page stays as it was. */ }
  };
  setInterval(ask, 10000);
})();
