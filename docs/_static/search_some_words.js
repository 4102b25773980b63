/* Two changes to the search of Sphinx, for people who paste an error message or the name of another client.
 *
 * Sphinx finds the pages that have every word. In a whole message there are words that no page has, and nothing would be
 * found. So where nothing is, show the pages that have the most of the rarest words. And of pages that have every word,
 * show those first that have more of them in their title: Sphinx takes all alike that have any of them in a heading. */
"use strict";

const findEveryWord = Search.performTermsSearch;

const inTitle = (title, words) => {
  const stemmer = new Stemmer();
  const titleWords = splitQuery(title.toLowerCase()).map((word) => stemmer.stemWord(word));
  return titleWords.filter((word) => words.has(word)).length;
};

const rescored = (page, score) => [...page.slice(0, 4), score, ...page.slice(5)];

Search.performTermsSearch = (words, excluded) => {
  const found = findEveryWord(words, excluded);
  if (found.length || words.size < 2) {
    return found.map((page) => rescored(page, page[4] + 3 * inTitle(page[1], words)));
  }
  const pages = new Map();
  words.forEach((word) => {
    const having = findEveryWord(new Set([word]), excluded);
    having.forEach((page) => {
      const before = pages.has(page[0]) ? pages.get(page[0])[4] : 0;
      pages.set(page[0], rescored(page, before + (5 + page[4]) / having.length));
    });
  });
  return [...pages.values()].sort((a, b) => b[4] - a[4]).slice(0, 10);
};
