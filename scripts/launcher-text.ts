import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** One of a launcher's programs. */
export interface LaunchedBundle {
  /** The first word of the command line that asks for it; undefined for the one that is taken otherwise. */
  readonly word: string | undefined;
  /** Its file. */
  readonly bundle: string;
  /**
   * What becomes of the form that a person's own runs make of it (decision 22). `adds`: what they call comes to what is in the build's; `alone`: they begin with none, since that
   * of the build holds everything; `instead`: only where V8 refuses the build's.
   */
  readonly own: 'adds' | 'alone' | 'instead';
}

/** The lines that run one of the bundles; `ahead` is an expression whose value the program gets. CommonJS: for a module Node would start its loader of modules, for 3 to 5 ms. */
export function launcherText(bundles: readonly LaunchedBundle[], ahead: string): string {
  const row = ({ bundle, own }: LaunchedBundle): string => {
    const digest = createHash('sha256').update(readFileSync(bundle)).digest('base64url').slice(0, 16);
    return JSON.stringify([basename(bundle), digest, own]);
  };
  const chosen = bundles.reduceRight(
    (others, each) =>
      each.word === undefined
        ? row(each)
        : `process.argv[2] === ${JSON.stringify(each.word)} ? ${row(each)} : ${others}`,
    '',
  );
  return `#!/usr/bin/env node
'use strict';
const ahead = ${ahead};
const [file, digest, own] = ${chosen};
${LAUNCHER}`;
}

/**
 * V8 itself says whether a form is of this version, these options and a source of this length; that it is of this source the digest in its name says. Who can write a form can say what
 * the program does, so one that another user could have written is none, nor is any made in another user's home (sudo leaves HOME as it is).
 */
const LAUNCHER = `const fs = require('node:fs');
const { dirname, isAbsolute, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

const DAY = 24 * 60 * 60 * 1000;
const filename = join(__dirname, file);
const form = ownForm();
const cachedData = form?.bytes ?? (form !== undefined && own === 'alone' ? undefined : read(filename + '.cache'));
const script = new Script(fs.readFileSync(filename, 'latin1'), { filename, cachedData });
if (form !== undefined && isWanted()) process.on('exit', (code) => code === 0 && keep());
module.exports = script.runInThisContext()(require, pathToFileURL(__filename).href, (name) => import(name), ahead);

function isWanted() {
  if (script.cachedDataRejected !== false) return true;
  return form.bytes === undefined ? own !== 'instead' : form.isOld;
}

function ownForm() {
  const { env, execArgv, version, arch } = process;
  const home = isAbsolute(env.XDG_CACHE_HOME ?? '') ? env.XDG_CACHE_HOME : join(env.HOME ?? '', '.cache');
  if (process.getuid === undefined || !isAbsolute(home) || execArgv.length > 0 || env.NODE_OPTIONS) return undefined;
  const folder = join(home, 'dobos', 'forms');
  const path = join(folder, [file, own === 'alone' ? process.argv[2] : '', digest, version, arch].join('-'));
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile() || !isOurs(stat) || !isOurs(fs.statSync(folder))) return undefined;
      return { folder, path, home, bytes: fs.readFileSync(fd), isOld: Date.now() - stat.mtimeMs > DAY };
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    return error.code === 'ENOENT' ? { folder, path, home } : undefined;
  }
}

function isOurs({ uid, mode }) {
  return uid === process.getuid() && (mode & 0o022) === 0;
}

function keep() {
  try {
    const { folder, path } = form;
    // A home that is not there is nobody's.
    if (fs.statSync(fs.existsSync(form.home) ? form.home : dirname(form.home)).uid !== process.getuid()) return;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(fs.statSync(folder))) return;
    const half = path + '.' + process.pid;
    try {
      // On the disk before it has its name: not every V8 would notice a hole in it.
      fs.writeFileSync(half, script.createCachedData(), { flag: 'wx', mode: 0o600, flush: true });
      fs.renameSync(half, path);
    } catch (error) {
      fs.rmSync(half, { force: true });
      throw error;
    }
    for (const name of fs.readdirSync(folder)) {
      const other = join(folder, name);
      if (Date.now() - fs.statSync(other).mtimeMs > 30 * DAY) fs.rmSync(other, { force: true });
    }
  } catch {
    // There is one less then.
  }
}

function read(path) {
  try {
    return fs.readFileSync(path);
  } catch {
    return undefined;
  }
}
`;
