/* Table cells with links. */
var dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

/* The id of a series as a link to its forecast. */
dagcomponentfuncs.SeriesLink = function (props) {
  const href = "/forecasts?show=" + encodeURIComponent("series:" + props.value);
  return React.createElement("a", { href: href }, props.value);
};
