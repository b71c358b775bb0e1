/* The current colour scheme of the document, for the charts; the toggle and the system both change it. */
window.dash_clientside = window.dash_clientside || {};
(function () {
  const current = () => document.documentElement.getAttribute("data-mantine-color-scheme") || "light";
  window.dash_clientside.scheme = { current: current };
  const update = () => window.dash_clientside.set_props("scheme", { data: current() });
  new MutationObserver(update).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
})();
