import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Prints whether V8 takes a compiled form of a script. */
const ASK = `
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const [filename, form] = process.argv.slice(1);
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: readFileSync(form) });
console.log(script.cachedDataRejected === false);
`;

// Where there are no users, nobody can say whose a form is, and there are none.
describe.runIf(process.getuid !== undefined)('the compiled forms that a person’s runs make', () => {
  let home: string;
  let forms: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'dobos-forms-'));
    forms = join(home, '.cache', 'dobos', 'forms');
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const run = (
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
    launcher = resolve('dist/dobos.cjs'),
  ) => {
    const { status, stdout } = spawnSync(process.execPath, [launcher, ...words], {
      encoding: 'utf8',
      env: { PATH: '/nowhere', HOME: home, DOBOS_ROOT: join(home, 'store'), ...env },
    });
    return { status, stdout };
  };
  const names = (): readonly string[] => (existsSync(forms) ? readdirSync(forms) : []);
  const made = (): string => join(forms, names()[0] ?? 'none');
  const isTaken = (form: string, bundle = 'dist/dobos.exec.bundle.cjs'): boolean =>
    execFileSync(process.execPath, ['-e', ASK, bundle, form], { encoding: 'utf8' }) === 'true\n';

  it('are made by a run that went well, for this person alone, and are ones that V8 takes', () => {
    expect(run(['exec', '--help']).status).toBe(0);
    expect(names()).toEqual([
      expect.stringMatching(/^dobos\.exec\.bundle\.cjs--[\w-]{16}-v\d+\.\d+\.\d+-\w+$/),
    ]);
    expect(isTaken(made())).toBe(true);
    expect(statSync(made()).mode & 0o777).toBe(0o600);
    expect(statSync(forms).mode & 0o777).toBe(0o700);
  });

  it('are made below XDG_CACHE_HOME where that is set', () => {
    run(['exec', '--help'], { XDG_CACHE_HOME: join(home, 'xdg') });
    expect(names()).toEqual([]);
    expect(readdirSync(join(home, 'xdg', 'dobos', 'forms'))).toHaveLength(1);
  });

  it('are not made by a run that failed, with options of Node, nor where the build’s is as good', () => {
    expect(run(['exec']).status).not.toBe(0);
    expect(run(['exec', '--help'], { NODE_OPTIONS: '--no-warnings' }).status).toBe(0);
    expect(run(['version']).status).toBe(0);
    expect(run(['exec', '--help'], { HOME: 'relative' }).status).toBe(0);
    expect(run(['exec', '--help'], { HOME: join(home, 'gone') }).status).toBe(0);
    expect([names(), existsSync(join(home, 'gone'))]).toEqual([[], false]);
  });

  it('are made of every bundle whose form of the build V8 does not take, as with another Node', () => {
    const dist = join(home, 'dist');
    mkdirSync(dist);
    for (const name of ['dobos.cjs', 'dobos.bundle.cjs']) copyFileSync(join('dist', name), join(dist, name));
    writeFileSync(join(dist, 'dobos.bundle.cjs.cache'), 'of another');
    expect(run(['version'], {}, join(dist, 'dobos.cjs')).status).toBe(0);
    expect(names()).toEqual([expect.stringMatching(/^dobos\.bundle\.cjs--/)]);
    expect(isTaken(made(), join(dist, 'dobos.bundle.cjs'))).toBe(true);
  });

  it('are made anew when they are spoilt, and after a day, and forgotten after thirty', () => {
    const said = run(['exec', '--help']);
    const form = made();
    writeFileSync(form, 'spoilt');
    expect(run(['exec', '--help'])).toEqual(said);
    expect(isTaken(form)).toBe(true);
    const [yesterday, lastMonth] = [2, 31].map((days) => new Date(Date.now() - days * 24 * 60 * 60 * 1000));
    utimesSync(form, yesterday!, yesterday!);
    writeFileSync(join(forms, 'of-an-old-version'), '');
    utimesSync(join(forms, 'of-an-old-version'), lastMonth!, lastMonth!);
    expect(run(['exec', '--help'])).toEqual(said);
    expect(statSync(form).mtimeMs).toBeGreaterThan(yesterday!.getTime() + 1000);
    expect(names()).toHaveLength(1);
  });

  it('stay as they are while they are young', () => {
    run(['exec', '--help']);
    const before = statSync(made());
    run(['exec', '--help']);
    expect(statSync(made())).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  });

  it.each(['file', 'folder'])('are none if others may write the %s', (which) => {
    const said = run(['exec', '--help']);
    const form = made();
    // What would be run if it was taken: V8 takes a form of any source as long as this one.
    writeFileSync(form, 'another’s');
    chmodSync(which === 'file' ? form : forms, 0o777);
    expect(run(['exec', '--help'])).toEqual(said);
    expect(readFileSync(form, 'utf8')).toBe('another’s');
  });

  it.runIf(process.getuid?.() === 0)('are none in the home of another user, and none is made there', () => {
    chownSync(home, 12345, 12345);
    expect(run(['exec', '--help']).status).toBe(0);
    expect(existsSync(join(home, '.cache'))).toBe(false);
  });

  it('are no matter where nothing can be written', () => {
    writeFileSync(join(home, '.cache'), 'a file');
    expect(run(['exec', '--help']).status).toBe(0);
  });
});
