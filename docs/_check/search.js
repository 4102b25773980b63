/* Runs the search of a built site as its search page does, without a browser.
 *
 * node search.js SITE, with a list of queries as JSON on stdin, writes the pages that each finds, best first. */
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const [, , site] = process.argv;
const browser = vm.createContext({
  URL,
  URLSearchParams,
  addEventListener: () => {},
  localStorage: { getItem: () => null, setItem: () => {}, removeItem: () => {} },
  location: { search: "" },
  document: {
    readyState: "loading", // so that nothing is done with the page itself
    documentElement: { dataset: { content_root: "./" } },
    addEventListener: () => {},
    getElementById: () => null,
    querySelectorAll: () => [],
  },
});
vm.runInContext("var window = globalThis;", browser);

// Scripts of a page share their top level, and so do those that run in one context.
const page = fs.readFileSync(path.join(site, "search.html"), "utf-8");
for (const [, source] of page.matchAll(/<script[^>]* src="([^"?]+)/g)) {
  if (/search|language_data|documentation_options|doctools|sphinx_highlight/.test(source)) {
    vm.runInContext(fs.readFileSync(path.join(site, source), "utf-8"), browser, { filename: source });
  }
}

const results = JSON.parse(fs.readFileSync(0, "utf-8")).map((query) => {
  browser.query = query;
  return vm.runInContext("Search._performSearch(...Search._parseQuery(query))", browser);
});
// The page shows the last one first.
process.stdout.write(JSON.stringify(results.map((found) => found.reverse().map(([name]) => name))));
