/* The server has filtered the options by the search text: the browser must not filter them again. */
var dmcfuncs = (window.dashMantineFunctions = window.dashMantineFunctions || {});
dmcfuncs.keepServerOrder = ({ options }) => options;
