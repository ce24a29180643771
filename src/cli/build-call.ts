import type { App } from '../app/app.ts';
import { type Called, type CallMethod, type CallRequest, callBuild } from '../app/call-build.ts';
import type { BuildProblem } from '../lint/format-check.ts';
import { base64, checkJson, formatCheck, lastLine, lineRange } from '../lint/format-check.ts';
import { safeJson, safeLines, safeText } from './build-view/safe-text.ts';
import { cliError } from './errors.ts';
import { createPullLines } from './pull-view/pull-lines.ts';
import { flagOption, type OptionValues, textOption } from './spec.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** What `--call` and `--check` ask for. */
export interface Call {
  readonly method: CallMethod;
  readonly json: boolean;
  /** The exit code is 0 whatever is found. */
  readonly ignoreStatus: boolean;
}

/** The call that the options ask for; undefined: a build. @throws CLI_USAGE */
export function readCall(options: OptionValues): Call | undefined {
  const text = textOption(options, 'call');
  const check = flagOption(options, 'check');
  const call = text === undefined ? undefined : parseCall(text);
  if (check && call !== undefined && call.method !== 'check') {
    throw usage(`--check is --call check, and --call ${text} says otherwise`);
  }
  if (call === undefined) return check ? { method: 'check', json: false, ignoreStatus: false } : undefined;
  const { method, ...how } = call;
  return method === 'build' ? undefined : { method, ...how };
}

/** Prints what the call gives; the exit code. @throws as `callBuild`; what is wrong with a checked file, after the findings */
export async function runCall(
  call: Call,
  request: CallRequest,
  { app, terminal, signal }: { readonly app: App; readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<number> {
  const called = await callBuild(app, call.method, request, {
    signal,
    stdin: () => terminal.stdin(),
    onPull: createPullLines(terminal.err),
    warn: (message) => terminal.err(`warning: ${safeText(message)}\n`),
  });
  await terminal.out(call.json ? `${safeJson(jsonOf(called), 2)}\n` : safeLines(textOf(called)));
  if (called.kind !== 'check') return 0;
  if (called.unknown.length > 0) terminal.err(unknownNote(called.unknown.map(safeText)));
  if (call.ignoreStatus) return 0;
  if (called.error !== undefined) throw called.error;
  return called.findings.length === 0 ? 0 : 1;
}

/** What a check leaves open. */
function unknownNote(names: readonly string[]): string {
  const [are, they, them] = names.length === 1 ? ['is', 'it sets', 'it'] : ['are', 'they set', 'them'];
  return `note: ${names.join(', ')} ${are} not in the store, so what ${they} is not known; --pull fetches ${them}\n`;
}

function parseCall(text: string): Omit<Call, 'method'> & { readonly method: CallMethod | 'build' } {
  let method: CallMethod | 'build' | undefined;
  let json = false;
  let ignoreStatus = false;
  for (const field of text.split(',')) {
    const name = METHODS.get(field);
    if (field === 'format=json' || field === 'format=text') json = field === 'format=json';
    else if (/^ignorestatus=(?:true|1|false|0)$/.test(field)) ignoreStatus = /true|1/.test(field);
    else if (name !== undefined && method === undefined) method = name;
    else {
      throw usage(
        `--call ${text}: want build, check, outline or targets, and then ,format=json or ,ignorestatus=true`,
      );
    }
  }
  return { method: method ?? 'build', json, ignoreStatus };
}

const METHODS: ReadonlyMap<string, CallMethod | 'build'> = new Map([
  ['build', 'build'],
  ['check', 'check'],
  ['lint', 'check'],
  ['outline', 'outline'],
  ['targets', 'targets'],
] as const);

const usage = (problem: string): Error => cliError('CLI_USAGE', { command: 'build', problem });

function textOf(called: Called): string {
  switch (called.kind) {
    case 'check': {
      // Of a file that does not build the error is what is to be read.
      if (called.error !== undefined && called.findings.length === 0) return '';
      return `${formatCheck(called.findings, called.file)}${called.error === undefined ? '' : '\n'}`;
    }
    case 'outline':
      return outlineText(called);
    case 'targets': {
      const rows = called.targets.map(({ name, isDefault, description = '' }) => [
        isDefault ? `${name} (default)`.trimStart() : name,
        description,
      ]);
      return formatTable([['TARGET', 'DESCRIPTION'], ...rows], 1);
    }
  }
}

function outlineText({ outline }: Extract<Called, { kind: 'outline' }>): string {
  const { name, description, args, secrets, ssh } = outline;
  const parts: string[] = [];
  if (name !== '') {
    const rows = [['TARGET:', name], ...(description === undefined ? [] : [['DESCRIPTION:', description]])];
    parts.push(formatTable(rows, 1));
  }
  if (args.length > 0) {
    const rows = args.map((arg) => [arg.name, arg.value ?? '', arg.description ?? '']);
    parts.push(formatTable([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows]));
  }
  for (const [title, mounts] of [
    ['SECRET', secrets],
    ['SSH', ssh],
  ] as const) {
    const rows = mounts.map((mount) => [mount.name, mount.required ? 'true' : '']);
    if (rows.length > 0) parts.push(formatTable([[title, 'REQUIRED'], ...rows]));
  }
  return parts.map((part) => `${part}\n`).join('');
}

/** docker's JSON of the same: what is empty is left out. */
function jsonOf(called: Called): object {
  const { file } = called;
  if (called.kind === 'check') return checkJson(called.findings, file, problemOf(called));
  const sources = [base64(file.text)];
  const place = ({ range }: Placed) => ({ ranges: [lineRange(range.start.line, lastLine(range))] });
  if (called.kind === 'targets') {
    const targets = called.targets.map((target) => ({
      name: target.name || undefined,
      default: target.isDefault || undefined,
      description: target.description,
      base: target.base,
      platform: target.platform,
      location: place(target),
    }));
    return { targets, sources };
  }
  const { name, description, args, secrets, ssh } = called.outline;
  const mounts = (list: typeof secrets) =>
    list.length === 0
      ? undefined
      : list.map((mount) => ({
          name: mount.name,
          required: mount.required || undefined,
          location: place(mount),
        }));
  return {
    name: name || undefined,
    description,
    args:
      args.length === 0
        ? undefined
        : args.map((arg) => ({
            name: arg.name,
            description: arg.description,
            value: arg.value || undefined,
            location: place(arg),
          })),
    secrets: mounts(secrets),
    ssh: mounts(ssh),
    sources,
  };
}

type Placed = { readonly range: Parameters<typeof lastLine>[0] };

function problemOf({ error }: Extract<Called, { kind: 'check' }>): BuildProblem | undefined {
  return error === undefined ? undefined : { message: error.message, line: error.place?.line };
}
