/* Options come from the server as they fit the search: the browser must not search them again. */
var dmcfuncs = (window.dashMantineFunctions = window.dashMantineFunctions || {});
dmcfuncs.keepServerOrder = ({ options }) => options;
