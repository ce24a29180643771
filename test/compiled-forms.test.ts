import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { COMMANDS } from '../src/cli/commands.ts';

const FORMS = readdirSync('dist').filter((name) => name.endsWith('.cache'));

/** Prints whether V8 refuses a compiled form of a script. */
const ASK = `
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const [filename, form] = process.argv.slice(1);
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: readFileSync(form) });
console.log(script.cachedDataRejected);
`;

it('there is one for each kind of commands, for the programs that stand by, and for parts', () => {
  expect([...FORMS].sort()).toEqual(
    [
      ...['build', 'exec', 'explore', 'run'].map((kind) => `dobos.${kind}.bundle.cjs.cache`),
      ...['dobos', 'keeper-worker', 'serve-here', 'supervisor-worker'].map(
        (program) => `${program}.bundle.cjs.cache`,
      ),
    ].sort(),
  );
});

// One that is refused does no harm but that each start compiles everything again: nobody would notice.
it.each(FORMS)('%s is one that V8 takes', (form) => {
  const bundle = form.replace(/\.cache$/, '');
  const said = execFileSync(process.execPath, ['-e', ASK, join('dist', bundle), join('dist', form)], {
    encoding: 'utf8',
  });
  expect(said).toBe('false\n');
});

it.each(['build', 'exec', 'explore', 'run'])('the bundle of %s has all that its words lead to', (kind) => {
  const rows = COMMANDS.filter(({ name, aliases }) =>
    [name, ...aliases].some((words) => words === kind || words.startsWith(`${kind} `)),
  );
  expect(rows.map(({ name }) => name)).toEqual([kind]);
  const help = execFileSync(process.execPath, [join('dist', 'dobos.cjs'), kind, '--help'], {
    encoding: 'utf8',
  });
  expect(help).toContain(`dobos ${kind} `);
});
