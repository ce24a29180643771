/**
 * Runs a page of docs/lessons as a learner would: every `sh` block in order, in one folder; a `text` block below says what must be seen.
 * The lines of a `terminal NAME` block are typed into the terminal of that name, each when the one before is done; what must be seen then stands somewhere on its screen.
 * In a `text` block `…` stands for anything on its line, and a line that is `…` alone for any lines. Lines must follow each other as they stand.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openTmux, type TmuxTerminal } from '../support/tmux.ts';

/** Packages over the network, on a busy machine. */
const LONGEST_MS = 300_000;

/** Between two looks at a terminal, in milliseconds. */
const LOOK_EVERY_MS = 25;
/** Less than a test may take: what was seen is told. */
const PATIENCE_MS = 200_000;

export interface LessonBlock {
  /** The name of the terminal that it is typed into. */
  readonly terminal: string | undefined;
  readonly commands: string;
  readonly wanted: readonly string[] | undefined;
  readonly line: number;
}

/** The blocks of a page, in order. */
export function readLesson(path: string): LessonBlock[] {
  const blocks: {
    terminal: string | undefined;
    commands: string;
    wanted: string[] | undefined;
    line: number;
  }[] = [];
  let open: { kind: string; terminal: string | undefined; lines: string[]; line: number } | undefined;
  for (const [at, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const fence = /^```(\w*)(?: (\w+))?$/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { kind: fence[1]!, terminal: fence[2], lines: [], line: at + 1 };
    else {
      const { kind, terminal, lines, line: first } = open;
      if (kind === 'sh' || kind === 'terminal')
        blocks.push({ terminal, commands: lines.join('\n'), wanted: undefined, line: first });
      else if (open.kind === 'text' && blocks.length > 0) blocks.at(-1)!.wanted = open.lines;
      open = undefined;
    }
  }
  return blocks;
}

/** Where a lesson is run. */
export interface LessonPlace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Program and arguments that make the learner somebody else; none for the caller. */
  readonly through: readonly string[];
}

/** Runs one block; what was seen, standard error included. @throws if it fails */
export function runBlock(block: LessonBlock, o: LessonPlace): string {
  const script = `exec 2>&1\n${block.commands}`;
  const [program = '', ...words] = [...o.through, 'bash', '-euo', 'pipefail', '-c', script];
  const { status, stdout } = spawnSync(program, words, {
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

/** The terminals of a lesson, opened when they are first named. */
export class LessonTerminals {
  readonly #place: LessonPlace;
  readonly #open = new Map<string, TmuxTerminal>();

  constructor(place: LessonPlace) {
    this.#place = place;
  }

  /** Types the lines of a block, each at a prompt, and waits until what is wanted stands on the screen. @throws if that does not come */
  async run({ terminal: name = '', commands, wanted, line }: LessonBlock): Promise<void> {
    const terminal = this.#open.get(name) ?? this.#start(name);
    for (const text of commands.split('\n')) {
      await wait(terminal, line, (screen) => /[#$]$/.test(lastLine(screen)), `a prompt for "${text}"`);
      terminal.type(text);
      await wait(terminal, line, (screen) => lastLine(screen).endsWith(text.trimEnd()), `"${text}"`);
      terminal.keys('Enter');
      // What stood there before is not what this brings.
      if (text.startsWith('clear'))
        await wait(terminal, line, (screen) => !screen.some((each) => each.endsWith(text)), 'a clear screen');
    }
    if (wanted === undefined) return;
    await wait(terminal, line, (screen) => standsOn(wanted, screen), `all of\n${wanted.join('\n')}\n`);
  }

  close(): void {
    for (const terminal of this.#open.values()) terminal.close();
    this.#open.clear();
  }

  #start(name: string): TmuxTerminal {
    const { folder, env, through } = this.#place;
    const command = [
      'env',
      `--chdir=${folder}`,
      'PS1=$ ',
      'HISTFILE=',
      'bash',
      '--norc',
      '--noprofile',
      '-i',
    ];
    // Its socket lies beside the lesson's folder, which holds what the lesson made only.
    const terminal = openTmux({ columns: 180, rows: 50, folder: env.HOME!, env, through, command });
    this.#open.set(name, terminal);
    return terminal;
  }
}

async function wait(
  terminal: TmuxTerminal,
  line: number,
  fits: (screen: readonly string[]) => boolean,
  what: string,
): Promise<void> {
  const began = performance.now();
  for (;;) {
    const screen = terminal.screen();
    if (fits(screen)) return;
    if (performance.now() - began > PATIENCE_MS)
      throw new Error(`line ${line}: the terminal never had ${what}:\n${screen.join('\n')}`);
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  }
}

const lastLine = (screen: readonly string[]): string => screen.findLast((text) => text !== '') ?? '';

/** Whether lines of the page stand on a screen, wherever they begin. */
export function standsOn(wanted: readonly string[], screen: readonly string[]): boolean {
  return screen.some((_, at) => firstUnseen([...wanted, '…'], screen.slice(at).join('\n')) === undefined);
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
