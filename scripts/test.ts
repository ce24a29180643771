/**
 * `npm test`: the unit suites everywhere; the suites that need root and the peers where both are there. Says what did not run and why, and which files took longest.
 * With DOBOS_PEERS=require (CI) a missing peer, a skipped test, or fewer tests against a peer than test/peers.json asks for is a failure.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEERS } from './peers.ts';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    /** Why the file itself could not be run. */
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const CACHE = '.cache';
const SLOWEST = 25;
const required = process.env.DOBOS_PEERS === 'require';
const filters = process.argv.slice(2);

interface Run {
  readonly ok: boolean;
  readonly report: Report | undefined;
  /** Milliseconds of each file. */
  readonly durations: Readonly<Record<string, number>>;
}

function runProject(name: string): Run {
  const output = join(CACHE, `test-${name}-${process.version}.json`);
  const times = join(CACHE, `test-durations-${name}-${process.version}.json`);
  writeFileSync(output, '');
  writeFileSync(times, '{}');
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const args = [
    vitest,
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    '--reporter=./test/support/durations.ts',
    `--outputFile.json=${output}`,
    ...filters,
  ];
  // No test trusts this machine's certificates, and Node 20 reads them all each time that it starts.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { status } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...env, DOBOS_DURATIONS: times },
  });
  const text = readFileSync(output, 'utf8');
  return {
    ok: status === 0,
    report: text === '' ? undefined : (JSON.parse(text) as Report),
    durations: JSON.parse(readFileSync(times, 'utf8')),
  };
}

/** Where the time went: two workers share a machine, so that the sum is about twice what passed. */
function tellSlowest(runs: readonly Run[]): void {
  const all = runs.flatMap(({ durations }) => Object.entries(durations));
  const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(8);
  console.log(`\n seconds  file (the ${Math.min(SLOWEST, all.length)} slowest of ${all.length})`);
  for (const [file, ms] of all.sort(([, a], [, b]) => b - a).slice(0, SLOWEST))
    console.log(`${seconds(ms)}  ${file}`);
  console.log(`${seconds(all.reduce((total, [, ms]) => total + ms, 0))}  all`);
}

function missingForPeers(): string[] {
  if (process.platform !== 'linux') return ['Linux'];
  const missing = process.getuid?.() === 0 ? [] : ['root'];
  return [
    ...missing,
    ...PEERS.filter(({ program }) => !existsSync(program)).map(({ debianPackage }) => debianPackage),
  ];
}

/** A line per peer: its version and how many tests ran against it; false if fewer than the committed minimum. */
function tellPeers(report: Report): boolean {
  const minimum = JSON.parse(readFileSync('test/peers.json', 'utf8')) as Record<string, number>;
  let enough = true;
  console.log('\npeer             tests  least  version');
  for (const peer of PEERS) {
    const count = report.testResults
      .flatMap(({ name, assertionResults }) =>
        assertionResults.map(({ fullName, status }) => ({ text: `${name} ${fullName}`, status })),
      )
      .filter(
        ({ text, status }) => status === 'passed' && peer.words.some((word) => text.includes(word)),
      ).length;
    const least = minimum[peer.name] ?? 1;
    const version =
      spawnSync(peer.program, peer.version, { encoding: 'utf8' }).stdout?.split('\n')[0] ?? 'missing';
    console.log(
      `${peer.name.padEnd(15)} ${String(count).padStart(6)} ${String(least).padStart(6)}  ${version}`,
    );
    if (count < least) enough = false;
  }
  if (!enough) console.log('fewer tests ran against a peer than test/peers.json asks for');
  return enough;
}

/** True if every test that docs/dockerfile.md names in its table was run and passed; those of files that were not run are left out. */
function namedTestsPassed(ran: readonly Report[]): boolean {
  const results = ran.flatMap(({ testResults }) => testResults);
  const files = results.map(({ name }) => name.replaceAll('\\', '/'));
  const page = readFileSync('docs/dockerfile.md', 'utf8');
  const named = [...page.matchAll(/^\|.*\| `([^`|]+\.test\.ts)` \| `([^`|]+)` \|$/gm)];
  const absent = named.filter(([, file = '', title = '']) => {
    const at = files.findIndex((name) => name.endsWith(`/${file}`));
    if (at < 0) return file.startsWith('src/') || missing.length === 0;
    const tests = results[at]!.assertionResults;
    return !tests.some(({ fullName, status }) => status === 'passed' && fullName.endsWith(title));
  });
  for (const [, file, title] of absent)
    console.log(`docs/dockerfile.md names a test that did not pass: ${file}: ${title}`);
  return named.length > 0 && absent.length === 0;
}

mkdirSync(CACHE, { recursive: true });
const missing = missingForPeers();
const unit = runProject('unit');
const runs = [unit];
let ok = unit.ok && unit.report !== undefined;
if (missing.length === 0) {
  const peers = runProject('peers');
  runs.push(peers);
  ok = ok && peers.ok && peers.report !== undefined;
  if (peers.report !== undefined && filters.length === 0) ok = tellPeers(peers.report) && ok;
} else {
  console.log(
    `\nnot run: the suites against other tools; they need ${missing.join(', ')} (Debian: apt-get install <package>, as root)`,
  );
  if (required) ok = false;
}
const ran = runs.map(({ report }) => report).filter((report) => report !== undefined);
if (filters.length === 0 && ran.length > 0) ok = namedTestsPassed(ran) && ok;
const sum = (pick: (report: Report) => number): number =>
  ran.reduce((total, report) => total + pick(report), 0);
const totals = {
  passed: sum((report) => report.numPassedTests),
  failed: sum((report) => report.numFailedTests),
  skipped: sum((report) => report.numPendingTests + report.numTodoTests),
};
tellSlowest(runs);
// At the very end, where whoever reads only that finds it.
for (const { testResults } of ran)
  for (const { name, assertionResults, message } of testResults) {
    const failures = assertionResults.filter(({ status }) => status === 'failed');
    if (failures.length === 0 && message) console.log(`\nFAILED ${name}\n${message}`);
    for (const { fullName, failureMessages } of failures)
      console.log(`\nFAILED ${name}\n${fullName}\n${failureMessages?.join('\n') ?? ''}`);
  }
writeFileSync(join(CACHE, `test-totals-${process.version}.json`), JSON.stringify(totals));
console.log(
  `\ntests: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped (Node ${process.version})`,
);
if (totals.failed > 0 || totals.passed === 0 || (required && totals.skipped > 0)) ok = false;
process.exitCode = ok ? 0 : 1;
