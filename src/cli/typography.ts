import { cliError } from './errors.ts';

const DASHES = /^[\u2010-\u2015\u2212]+/;
const QUOTES = /[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]/g;

/** Refuses options and quotes as slides print them (`–rm`, `“x”`), with the right form as advice. @throws CLI_TYPOGRAPHY */
export function refuseTypography(words: readonly string[]): void {
  for (const word of words) {
    if (DASHES.test(word)) {
      const name = word.replace(DASHES, '').replace(QUOTES, '');
      throw cliError('CLI_TYPOGRAPHY', { word, meant: `${name.length === 1 ? '-' : '--'}${name}` });
    }
    if (/^[\u201c\u201d\u201e\u2018\u00ab]/.test(word)) {
      throw cliError('CLI_TYPOGRAPHY', { word, meant: `"${word.replace(QUOTES, '')}"` });
    }
  }
}
