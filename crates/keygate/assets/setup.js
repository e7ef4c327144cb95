// The setup token stands in the fragment of the link, which no server sees: put it into its field, and out
// of the address bar.
"use strict";
const token = document.getElementById("token");
if (token && location.hash.length > 1) {
  token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  document.getElementById("email").focus();
}
