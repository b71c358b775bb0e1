/* Cells that are more than text. */
var dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

/* The name of a series as a link to its forecast. */
dagcomponentfuncs.SeriesLink = function (props) {
  const href = "/forecasts?show=" + encodeURIComponent("series:" + props.value);
  return React.createElement("a", { href: href }, props.value);
};
