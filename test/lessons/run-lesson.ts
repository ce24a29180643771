/**
 * Runs a page of docs/lessons as a learner would: every `sh` block in order, in one folder; a `text` block below says what must be seen.
 * In a `text` block `…` stands for anything on its line, and a line that is `…` alone for any lines. Lines must follow each other as they stand.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Packages over the network, on a busy machine. */
const LONGEST_MS = 300_000;

export interface LessonBlock {
  readonly commands: string;
  readonly wanted: readonly string[] | undefined;
  readonly line: number;
}

/** The blocks of a page, in order. */
export function readLesson(path: string): LessonBlock[] {
  const blocks: { commands: string; wanted: string[] | undefined; line: number }[] = [];
  let open: { kind: string; lines: string[]; line: number } | undefined;
  for (const [at, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { kind: fence[1]!, lines: [], line: at + 1 };
    else {
      if (open.kind === 'sh')
        blocks.push({ commands: open.lines.join('\n'), wanted: undefined, line: open.line });
      else if (open.kind === 'text' && blocks.length > 0) blocks.at(-1)!.wanted = open.lines;
      open = undefined;
    }
  }
  return blocks;
}

/** Runs one block; what was seen, standard error included. @throws if it fails */
export function runBlock(
  block: LessonBlock,
  o: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
): string {
  const { status, stdout } = spawnSync('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${block.commands}`], {
    cwd: o.folder,
    env: o.env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
    timeout: LONGEST_MS,
  });
  if (status !== 0)
    throw new Error(`line ${block.line}: exit code ${status} of\n${block.commands}\n${stdout}`);
  return stdout;
}

/** Undefined if the output is as the page says, else the first line of the page that was not seen. */
export function firstUnseen(wanted: readonly string[], output: string): string | undefined {
  const lines = output
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => line.trimEnd());
  let at = 0;
  let anywhere = false;
  for (const line of wanted.map((text) => text.trimEnd())) {
    if (line === '…') {
      anywhere = true;
      continue;
    }
    const pattern = new RegExp(`^${line.split('…').map(literal).join('.*')}$`);
    const found = lines.findIndex((seen, index) => index >= at && pattern.test(seen));
    if (found < 0 || (!anywhere && found !== at)) return line;
    at = found + 1;
    anywhere = false;
  }
  return anywhere || at === lines.length ? undefined : '(the end)';
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
