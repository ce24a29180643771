/** Prints CI's closing line: the totals of every `npm test` run whose files are given. @module */
import { readFileSync } from 'node:fs';

const totals = process.argv
  .slice(2)
  .map(
    (file) => JSON.parse(readFileSync(file, 'utf8')) as { passed: number; failed: number; skipped: number },
  );
const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
  totals.reduce((total, each) => total + each[key], 0);
console.log(`tests: ${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
