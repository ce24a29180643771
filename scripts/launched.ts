import { writeFileSync } from 'node:fs';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { type LaunchedBundle, launcherText } from './launcher-text.ts';

/** Where the bundle of a launcher stands, and what V8 made of it: of a program with commands one for each kind of them, as what is in a bundle and in a form costs time. */
export const bundleOf = (launcher: string, kind = ALL): string =>
  launcher.replace(/\.cjs$/, `${kind === ALL ? '' : `.${kind}`}.bundle.cjs`);
export const cacheOf = (launcher: string, kind = ALL): string => `${bundleOf(launcher, kind)}.cache`;
/** The kind of commands that have none of their own, and of a program without commands. */
export const ALL = 'all';

export interface LaunchedOptions {
  /** First words with a bundle of their own, and what makes it of theirs alone. */
  readonly kinds?: Readonly<Record<string, readonly Plugin[]>>;
  /** First words whose runs make a form of their own, though the build's is one that V8 takes. */
  readonly own?: Readonly<Record<string, LaunchedBundle['own']>>;
  /** Where the first word is one of these, and not root asks without a word of those, what the `spawnAhead` of this module beside the launcher makes of the words is given to the program. */
  readonly ahead?: { readonly words: RegExp; readonly unless: RegExp; readonly module: string };
}

/**
 * Bundles the entry as scripts and writes a launcher that runs the one for its first word with V8's compiled form of it, if there is one (`write-code-cache.ts`): compiling
 * 400 kB at each start costs 15 to 30 ms. V8 refuses the form of another version or other options by itself and compiles as ever.
 */
export async function writeLaunched(
  common: BuildOptions,
  launcher: string,
  entry: string,
  { kinds = {}, own = {}, ahead }: LaunchedOptions = {},
): Promise<void> {
  await writeBundle(common, entry, bundleOf(launcher));
  for (const [kind, plugins] of Object.entries(kinds))
    await writeBundle({ ...common, plugins: [...plugins] }, entry, bundleOf(launcher, kind));
  const words = [...new Set([...Object.keys(kinds), ...Object.keys(own)])];
  const bundles = words.map((word) => ({
    word,
    bundle: bundleOf(launcher, word in kinds ? word : ALL),
    own: own[word] ?? ('instead' as const),
  }));
  const rest = { word: undefined, bundle: bundleOf(launcher), own: 'instead' as const };
  writeFileSync(
    launcher,
    launcherText([...bundles, rest], ahead === undefined ? 'undefined' : spawned(ahead)),
  );
}

async function writeBundle(common: BuildOptions, entry: string, outfile: string): Promise<void> {
  const { outputFiles, metafile } = await build({
    ...common,
    entryPoints: [entry],
    outfile,
    format: 'cjs',
    minifyIdentifiers: true,
    define: { 'import.meta.url': '__url' },
    banner: { js: '(function(require,__url,__import,__ahead){const module={exports:{}};' },
    footer: { js: 'return module.exports})' },
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs)[0]?.imports.filter(({ kind }) => kind === 'dynamic-import');
  let found = 0;
  // A script that comes out of a cache has no import() of its own: it gets the launcher's.
  const script = outputFiles[0]!.text.replace(/^#!.*\n/, '').replace(/\bimport\((?=")/g, () => {
    found++;
    return '__import(';
  });
  if (found !== imports?.length)
    throw new Error(`${entry}: ${imports?.length} imports, ${found} of them found`);
  // One byte per character: half the memory, and read as it stands.
  const ascii = script.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  writeFileSync(outfile, ascii);
}

const spawned = ({ words, unless, module }: NonNullable<LaunchedOptions['ahead']>): string =>
  `/${words.source}/.test(process.argv[2]) && (process.getuid?.() !== 0 || process.argv.some((word) => /${unless.source}/.test(word))) ? require('./${module}').spawnAhead(process.argv.slice(2)) : undefined`;
