import type { Command, RunInstruction } from '../dockerfile/ast.ts';
import type { ContainerConfig } from '../oci/types.ts';
import { PROXY_ARGS } from './expand-variables.ts';
import type { Job } from './plan-layout.ts';
import { addStep, envList, type Planner, type StageState } from './plan-state.ts';

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** Plans RUN. @throws PLAN_UNSUPPORTED, PLAN_INVALID */
export function planRun(planner: Planner, state: StageState, job: Job, instruction: RunInstruction): void {
  const network = readRunFlags(planner, instruction);
  const args = argsOf(planner, state, instruction);
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
  } as const;
  addStep(planner, state, {
    op,
    origin: job.origin,
    text: `RUN ${shownCommand(instruction)}`,
    createdBy: `RUN ${[...argsInHistory(state), ...args].join(' ')} # buildkit`,
  });
}

/** The shell of shell forms at this point. */
export function shellOf(config: ContainerConfig): readonly string[] {
  return config.Shell !== undefined && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL;
}

function readRunFlags(planner: Planner, instruction: RunInstruction): 'default' | 'host' | 'none' {
  const { fail } = planner.layout;
  let network = planner.o.network ?? 'default';
  for (const { name, value, range } of instruction.flags) {
    const text = value?.text ?? '';
    if (name.text === 'network') {
      if (text !== 'default' && text !== 'host' && text !== 'none') {
        const message = `invalid network mode ${JSON.stringify(text)} in RUN, want default, host or none`;
        throw fail('PLAN_INVALID', { message }, range);
      }
      if (text !== 'default') network = text;
    } else if (name.text === 'security' && text === 'sandbox') {
      // The only way that RUN works.
    } else throw fail('PLAN_UNSUPPORTED', { what: `RUN --${name.text}${flagDetail(text)}` }, range);
  }
  return network;
}

/** The whole argument vector; heredocs go to the shell in one of the ways of spec build.md a.3. */
function argsOf(planner: Planner, state: StageState, instruction: RunInstruction): readonly string[] {
  const { command, heredocs } = instruction;
  if (command.form === 'exec') return command.args.map((word) => word.text);
  const shell = shellOf(state.config);
  const [only] = heredocs;
  if (only === undefined) return [...shell, command.text];
  if (isOnlyHeredoc(command, instruction)) {
    if (only.body.startsWith('#!')) {
      const hint = 'name the interpreter in the instruction: RUN python3 <<EOF';
      const facts = { what: 'a RUN heredoc that starts with #!', hint };
      throw planner.layout.fail('PLAN_UNSUPPORTED', facts, only.word.range);
    }
    return [...shell, only.body];
  }
  const bodies = heredocs.map(({ body, name }) => `${body}${name}\n`);
  return [...shell, `${command.text}\n${bodies.join('')}`];
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

/** The `type=` of a mount, so that the error names it. */
function flagDetail(value: string): string {
  const type = /(?:^|,)type=([^,]*)/.exec(value)?.[1];
  return type === undefined ? '' : `=type=${type}`;
}
