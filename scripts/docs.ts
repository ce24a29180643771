/** `npm run docs`: writes the generated pages of docs/ anew. @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { commandsPage, errorsPage, explorePage, rulesPage } from './generate-docs.ts';

const load = (module: string): Promise<unknown> =>
  import(pathToFileURL(resolve('dist', `${module}.js`)).href);

for (const [file, text] of [
  ['docs/cli.md', await commandsPage()],
  ['docs/errors.md', await errorsPage(load)],
  ['docs/rules.md', rulesPage()],
  ['docs/explore.md', explorePage(readFileSync('docs/explore.md', 'utf8'))],
] as const) {
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}
