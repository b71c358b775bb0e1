/* Which colours the document shows now, for the charts; the toggle and the system both change them. */
window.dash_clientside = window.dash_clientside || {};
(function () {
  const now = () => document.documentElement.getAttribute("data-mantine-color-scheme") || "light";
  window.dash_clientside.scheme = { seen: now };
  const tell = () => window.dash_clientside.set_props("scheme", { data: now() });
  new MutationObserver(tell).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
})();
