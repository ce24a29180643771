/**
 * Builds dist/: the library (one file per module, with types), the bundled command `dist/dobos.cjs`, the bundled workers beside it,
 * and the project's own scripts. Programs that start often are a launcher, a bundle and the bundle's compiled form (`writeLaunched`).
 * @module
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { NOT_PLAIN } from '../src/cli/start-ahead.ts';
import { ALL, writeLaunched } from './launched.ts';

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: ['koffi', '@cloudpss/zstd', 'undici', 'esbuild', 'vitest'],
  // CommonJS packages inside an ESM bundle still ask for `require`.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** Modules of Node that cost milliseconds and that most commands import without a use for them: loaded when something of them is first used. */
const LATE = [
  'child_process',
  'crypto',
  'dns',
  'fs/promises',
  'http',
  'module',
  'net',
  'tls',
  'tty',
  'worker_threads',
  'zlib',
] as const;

/**
 * Node's own modules are loaded when the module that imports them is: in a bundle all imports would stand, and be paid for, at the top.
 * What an import gets has Node's module behind it and no names of its own: the bundle copies own names, over a hundred of `fs`, one by one for each module that imports it.
 */
const lazyNode: Plugin = {
  name: 'lazy-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, namespace, kind }) =>
      namespace.startsWith('lazy-node')
        ? { path, external: true }
        : { path, namespace: kind === 'require-call' ? 'lazy-node-require' : 'lazy-node-import' },
    );
    onLoad({ filter: /.*/, namespace: 'lazy-node-import' }, async ({ path }) => ({
      contents: LATE.some((name) => path === `node:${name}`)
        ? `${late(path, Object.keys(await import(path)))}; module.exports = Object.create(exports)`
        : `module.exports = Object.create(require(${JSON.stringify(path)}))`,
    }));
    onLoad({ filter: /.*/, namespace: 'lazy-node-require' }, async ({ path }) => ({
      contents: LATE.some((name) => path === `node:${name}`)
        ? late(path, Object.keys(await import(path)))
        : `module.exports = require(${JSON.stringify(path)})`,
    }));
  },
};

/** An object with these names, each of which loads the module when it is read. */
const late = (path: string, names: readonly string[]): string =>
  `let loaded; for (const name of ${JSON.stringify(names)}) Object.defineProperty(exports, name, { enumerable: true, get: () => (loaded ??= require(${JSON.stringify(path)}))[name] });`;

/** Of undici the command uses its pools only. In the bundle they are a tenth of its modules, and none is looked for on disk. */
const undiciPools: Plugin = {
  name: 'undici-pools',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: 'undici-pools' }));
    // HTTP/2 is never agreed upon, and of Node's own HTTP only two values are looked at: both would be loaded for nothing, for 5 ms.
    onResolve({ filter: /^(?:\.\/client-h2\.js|node:http)$/ }, ({ path, importer }) =>
      /[/\\]undici[/\\]lib[/\\]/.test(importer) ? { path, namespace: 'undici-unused' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'undici-unused' }, ({ path }) => ({
      contents:
        path === 'node:http'
          ? 'exports.IncomingMessage = class {}; exports.maxHeaderSize = 16384'
          : "module.exports = () => { throw new Error('HTTP/2 is not spoken here') }",
    }));
    onLoad({ filter: /.*/, namespace: 'undici-pools' }, () => ({
      // Its parser is WebAssembly, which V8 would compile a second time, optimised, for longer than most commands talk to a registry.
      contents:
        "require('node:v8').setFlagsFromString('--liftoff-only'); exports.Pool = require('undici/lib/dispatcher/pool.js')",
      resolveDir: process.cwd(),
    }));
  },
};

function compileLibrary(): void {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
}

async function bundle(): Promise<void> {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const workers = sources.filter(
    (file) => file.endsWith('-worker.ts') && !PROCESSES.some((each) => file.endsWith(each)),
  );
  const entryPoints = Object.fromEntries(workers.map((file) => [basename(file, '.ts'), join('src', file)]));
  if (Object.keys(entryPoints).length !== workers.length)
    throw new Error('two workers have the same file name');
  await build({ ...common, outdir: 'dist', entryPoints, plugins: [lazyNode] });
  const external = (common.external ?? []).filter((name) => name !== 'undici');
  const command = { ...common, external, plugins: [undiciPools, lazyNode, apart] };
  await build({
    ...command,
    entryPoints: [join('src', 'cli', 'ahead.ts')],
    outfile: join('dist', AHEAD),
    format: 'cjs',
    define: { 'import.meta.url': '__url' },
    banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
  });
  await writeLaunched(command, 'dist/dobos.cjs', join('src', 'cli', 'main.ts'), {
    kinds: Object.fromEntries(KINDS.map((kind) => [kind, pluginsOf(kind)])),
    // The build's comes only as far as a program of the system is needed.
    own: { run: 'adds', exec: 'adds' },
    ahead: { words: /^(?:run|container)$/, unless: NOT_PLAIN, module: AHEAD },
  });
  chmodSync('dist/dobos.cjs', 0o755);
  for (const file of PROCESSES) {
    await writeLaunched({ ...common, plugins: [lazyNode, apart] }, partOf(file), join('src', file));
  }
  for (const file of PARTS) {
    const own = { build: 'alone' } as const;
    await writeLaunched({ ...common, plugins: [lazyNode] }, partOf(file), join('src', file), { own });
  }
}

/** Modules with a bundle and a form of their own, loaded when a program first imports them: what most of its commands do without makes none slower. They share no variables with the program. */
const PARTS = [join('runtime', 'serve-here.ts')];
const partOf = (file: string): string => join('dist', `${basename(file, '.ts')}.cjs`);

/** Imports of those. */
const apart: Plugin = {
  name: 'apart',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' && PARTS.some((file) => basename(file) === basename(path))
        ? { path, namespace: 'apart' }
        : undefined,
    );
    onResolve({ filter: /^\.\/.*\.cjs$/, namespace: 'apart' }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /.*/, namespace: 'apart' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(`./${basename(partOf(path))}`)})`,
    }));
  },
};

/** First words that are the name of one command, which has a bundle of its own: of those that are called often, and must start fast. */
const KINDS = ['build', 'run', 'exec', 'explore'];

/** Parts are in the bundle of `run`, which always needs them: of what both would have there is one then. */
const pluginsOf = (kind: string): Plugin[] => [
  onlyCommand(kind),
  undiciPools,
  lazyNode,
  ...(kind === 'run' ? [] : [apart]),
];

/** Of the commands' modules the one of this name. Its words lead nowhere else (test/compiled-forms.test.ts). */
const onlyCommand = (name: string): Plugin => ({
  name: 'only-command',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/commands\/.*\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' && path !== `./commands/${name}.ts`
        ? { path, namespace: 'other-command' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'other-command' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in the bundle of ${name}`)})`,
    }));
  },
});

/** What the command's launcher loads before the command (src/cli/ahead.ts). */
const AHEAD = 'dobos.ahead.cjs';

/** Processes of their own, not threads: started like the command. */
const PROCESSES = [join('runtime', 'keeper-worker.ts'), join('containers', 'supervisor-worker.ts')];

/** Compiled ahead: of the command what builds, containers and the explorer call, of the processes, which cannot run here, everything. */
function writeCodeCaches(): void {
  const folder = mkdtempSync(join(tmpdir(), 'dobos-build-'));
  try {
    for (const [name, text] of Object.entries(WARM_UP)) writeFileSync(join(folder, name), text);
    const cache = (...args: string[]): void => {
      execFileSync(process.execPath, [join('dist', 'scripts', 'write-code-cache.js'), ...args], {
        // No programs: what would run a container comes as far as it can on every machine.
        env: { PATH: join(folder, 'bin'), DOBOS_ROOT: join(folder, 'store') },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    };
    for (const [kind, rows] of Object.entries(warmUpCommands(folder))) {
      const words = rows.flatMap((row, at) => [...(at > 0 ? ['--then'] : []), ...row]);
      cache('dist/dobos.cjs', kind, ...words);
    }
    for (const file of [...PROCESSES, ...PARTS]) cache(partOf(file), ALL);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** By their kind, in this order. The first of each must go well; what would start a program cannot, and is known then as far as to there. */
const warmUpCommands = (folder: string): Readonly<Record<string, readonly (readonly string[])[]>> => ({
  build: [
    ['build', '--quiet', '-t', 'warm', folder],
    ['build', '--quiet', '-f', join(folder, 'Dockerfile.run'), folder],
  ],
  [ALL]: [
    ['images'],
    ['create', '--name', 'warm', '--network', 'host', '-e', 'A=1', 'warm', '/d'],
    ['ps', '-a'],
    ['save', '-o', join(folder, 'warm.tar'), 'warm'],
  ],
  run: [
    ['run', '--help'],
    ['run', '--rm', 'warm', '/d'],
  ],
  exec: [
    ['exec', '--help'],
    ['exec', 'warm', '/d'],
  ],
  explore: [
    ['explore', '--ci', 'warm'],
    ['explore', '--ci', join(folder, 'warm.tar')],
    ['explore', '--summary', join(folder, 'warm.tar')],
  ],
});

/** The build checks are called in a quiet build only where the file speaks of them. */
const WARM_UP = {
  Dockerfile: `# check=error=false
FROM scratch AS one
COPY Dockerfile /d/
WORKDIR /w
FROM scratch
ARG A=1
ENV B=$A
LABEL c=d
COPY --from=one /d /d
CMD ["/d"]
`,
  'Dockerfile.run': `FROM warm
COPY Dockerfile /e
RUN /d
`,
};

async function buildScripts(): Promise<void> {
  const scripts = readdirSync('scripts').filter((file) => file.endsWith('.ts') && file !== 'build.ts');
  await build({
    ...common,
    packages: 'external',
    outdir: 'dist/scripts',
    entryPoints: Object.fromEntries(
      [...scripts.map((file) => join('scripts', file)), 'bench/bench.ts'].map((file) => [
        basename(file, '.ts'),
        file,
      ]),
    ),
  });
}

/** The library as it stands in dist/, where it finds its workers and the keeper. */
const builtLibrary: Plugin = {
  name: 'built-library',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/src\/.*\.ts$/ }, ({ path }) => ({
      path: path.replace('../src/', './').replace(/\.ts$/, '.js'),
      external: true,
    }));
  },
};

async function buildBenchTasks(): Promise<void> {
  const tasks = readdirSync('bench').filter((file) => file.endsWith('-task.ts'));
  const entryPoints = Object.fromEntries(
    tasks.map((file) => [`bench-${basename(file, '.ts')}`, join('bench', file)]),
  );
  await build({ ...common, outdir: 'dist', entryPoints, plugins: [builtLibrary] });
}

// What a removed module left would be packed, and found by nobody but users.
rmSync('dist', { recursive: true, force: true });
compileLibrary();
await bundle();
await buildBenchTasks();
await buildScripts();
writeCodeCaches();
