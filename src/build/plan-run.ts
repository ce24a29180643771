import type { Command, Range, RunInstruction } from '../dockerfile/ast.ts';
import { PROXY_ARGS } from './expand-variables.ts';
import type { RunMount } from './graph.ts';
import type { Job } from './plan-layout.ts';
import { planMounts } from './plan-mounts.ts';
import { addStep, envList, type Planner, type StageState, shellOf } from './plan-state.ts';

/** Plans RUN. @throws PLAN_UNSUPPORTED, PLAN_INVALID */
export function planRun(planner: Planner, state: StageState, job: Job, instruction: RunInstruction): void {
  const { network, insecure } = readRunFlags(planner, instruction);
  const { args, script } = argsOf(state, instruction);
  const hostname = readHostname(planner, instruction);
  const { mounts, reads } = planMounts(planner, state, job, instruction);
  const allMounts = script === undefined ? mounts : [...mounts, script];
  const argNames = [...state.args.keys()].filter(
    (name) => state.args.get(name) !== undefined && !state.env.has(name),
  );
  const op = {
    kind: 'run',
    args,
    env: [...envList(state.env), ...argNames.map((name) => `${name}=${state.args.get(name)}`)],
    argNames,
    secretEnv: PROXY_ARGS.flatMap((name) => {
      const value = planner.o.buildArgs.get(name);
      return value === undefined || state.args.has(name) || state.env.has(name) ? [] : [`${name}=${value}`];
    }),
    cwd: state.config.WorkingDir || '/',
    user: state.config.User ?? '',
    network,
    ...(hostname !== undefined && { hostname }),
    ...(allMounts.length > 0 && { mounts: allMounts }),
    ...(insecure && { insecure }),
  } as const;
  addStep(planner, state, {
    op,
    origin: job.origin,
    text: `RUN ${shownCommand(instruction)}`,
    createdBy: `RUN ${[...argsInHistory(state), ...args].join(' ')} # buildkit`,
    reads,
  });
}

interface RunFlags {
  readonly network: 'default' | 'host' | 'none';
  readonly insecure: true | undefined;
}

function readRunFlags(planner: Planner, instruction: RunInstruction): RunFlags {
  const { fail } = planner.layout;
  let network = planner.o.network ?? 'default';
  let insecure: true | undefined;
  for (const { name, value, range } of instruction.flags) {
    const text = value?.text ?? '';
    if (name.text === 'network') {
      if (text !== 'default' && text !== 'host' && text !== 'none') {
        const message = `invalid network mode ${JSON.stringify(text)} in RUN, want default, host or none`;
        throw fail('PLAN_INVALID', { message }, range);
      }
      if (text !== 'default') network = text;
    } else if (name.text === 'security') {
      if (text !== 'sandbox' && text !== 'insecure') {
        const message = `invalid security mode ${JSON.stringify(text)} in RUN, want sandbox or insecure`;
        throw fail('PLAN_INVALID', { message }, range);
      }
      if (text === 'insecure') insecure = allowedInsecure(planner, range);
    } else if (name.text !== 'mount') {
      throw fail('PLAN_UNSUPPORTED', { what: `RUN --${name.text}` }, range);
    }
  }
  return { network, insecure };
}

/** BuildKit's argument for the name that steps see. */
const HOSTNAME_ARG = 'BUILDKIT_SANDBOX_HOSTNAME';
/** Labels of RFC 1123, as many bytes as Linux keeps. */
const HOSTNAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,63})$/;

function readHostname({ layout, o }: Planner, { range }: RunInstruction): string | undefined {
  const name = o.buildArgs.get(HOSTNAME_ARG);
  if (name === undefined || name === '') return undefined;
  if (HOSTNAME.test(name)) return name;
  const message = `--build-arg ${HOSTNAME_ARG}=${name} is no name of a host`;
  throw layout.fail('PLAN_INVALID', { message }, range);
}

function allowedInsecure({ layout, o }: Planner, range: Range): true {
  if (o.allow?.has(INSECURE)) return true;
  const message = `RUN --security=insecure: ${INSECURE} is not allowed`;
  const hint = `a build of which you trust every line may be given --allow ${INSECURE}`;
  throw layout.fail('PLAN_INVALID', { message, hint }, range);
}

/** What a build must be allowed for RUN --security=insecure. */
const INSECURE = 'security.insecure';
/** Where a heredoc that is a program is put. */
const SCRIPTS_FOLDER = '/dev/pipes';

interface Arguments {
  readonly args: readonly string[];
  /** The heredoc that `args` starts. */
  readonly script?: RunMount;
}

/** The whole argument vector; heredocs go to the shell, or are the program, in one of the three ways of spec build.md a.3. */
function argsOf(state: StageState, instruction: RunInstruction): Arguments {
  const { command, heredocs } = instruction;
  if (command.form === 'exec') return { args: command.args.map((word) => word.text) };
  const shell = shellOf(state.config);
  const [only] = heredocs;
  if (only === undefined) return { args: [...shell, command.text] };
  if (isOnlyHeredoc(command, instruction)) {
    const { body, name } = only;
    if (!body.startsWith('#!')) return { args: [...shell, body] };
    const target = `${SCRIPTS_FOLDER}/${name.replaceAll('/', '_').replace(/^\.{1,2}$/, '_')}`;
    return { args: [target], script: { kind: 'script', target, text: body } };
  }
  const bodies = heredocs.map(({ body, name }) => `${body}${name}\n`);
  return { args: [...shell, `${command.text}\n${bodies.join('')}`] };
}

function isOnlyHeredoc(command: Command, { heredocs }: RunInstruction): boolean {
  return command.form === 'shell' && heredocs.length === 1 && command.text === heredocs[0]!.word.text;
}

/** The first line of what runs. */
function shownCommand(instruction: RunInstruction): string {
  const { text, heredocs, command } = instruction;
  if (heredocs.length === 0 || !isOnlyHeredoc(command, instruction)) return text.text;
  const [first = '', ...rest] = heredocs[0]!.body.trim().split('\n');
  return `${text.text} (${first}${rest.length > 0 ? ' …' : ''})`;
}

/** `|2 a=1 b=2`: the ARGs in scope in order of first declaration, with the values that RUN sees. */
function argsInHistory(state: StageState): string[] {
  if (state.args.size === 0) return [];
  const shown = [...state.args].map(([name, value]) => `${name}=${state.env.get(name) ?? value ?? ''}`);
  return [`|${shown.length}`, ...shown];
}
