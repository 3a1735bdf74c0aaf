// Chooses light or dark before anything is painted. "system" follows the machine; the choice is no secret and is kept.
(() => {
  const themes = ["system", "light", "dark"];
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  function read() {
    try {
      const kept = localStorage.getItem("ferry.theme");
      return themes.includes(kept) ? kept : "system";
    } catch {
      return "system"; // storage may be switched off
    }
  }

  function show(theme) {
    const isDark = theme === "dark" || (theme === "system" && prefersDark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (button) button.textContent = `Theme: ${theme}`;
  }

  function next() {
    const theme = themes[(themes.indexOf(read()) + 1) % themes.length];
    try {
      localStorage.setItem("ferry.theme", theme);
    } catch {
      // It holds for this page alone then.
    }
    show(theme);
  }

  show(read());
  prefersDark.onchange = () => show(read());
  addEventListener("DOMContentLoaded", () => {
    show(read());
    document.getElementById("theme").onclick = next;
  });
})();
