import { never } from '../base/errors.ts';
import type {
  CommandInstruction,
  LineInstruction,
  OnbuildInstruction,
  PairsInstruction,
  ShellInstruction,
  WordsInstruction,
} from '../dockerfile/ast.ts';
import { cleanPath } from '../dockerfile/ignore.ts';
import type { ContainerConfig } from '../oci/types.ts';
import { type Job, triggerText } from './plan-layout.ts';
import { parsePorts } from './plan-ports.ts';
import { isSignal } from './plan-signals.ts';
import { envList, type Planner, type StageState, shellOf, variablesOf } from './plan-state.ts';

type ConfigInstruction =
  | PairsInstruction
  | CommandInstruction
  | ShellInstruction
  | WordsInstruction
  | LineInstruction
  | OnbuildInstruction;

/** What an instruction does to the configuration; WORKDIR may make a directory too. */
export type Change =
  | {
      readonly kind: 'config';
      readonly config: ContainerConfig;
      /** As shown, and as the history says it. */
      readonly text: string;
      readonly author?: string | undefined;
    }
  | { readonly kind: 'workdir'; readonly path: string };

/** The change that an instruction makes, its variables put in. ENV and CMD are noted in the state as well. @throws PLAN_… */
export function readChange(
  planner: Planner,
  state: StageState,
  job: Job,
  instruction: ConfigInstruction,
): Change {
  const { expander, fail } = planner.layout;
  const variables = variablesOf(state);
  const set = (config: ContainerConfig, text: string, author?: string): Change => ({
    kind: 'config',
    config,
    text,
    author,
  });
  const value = (): string => {
    const line = instruction as LineInstruction;
    const text = expander.text(line.value, variables);
    if (text === '') {
      throw fail('PLAN_INVALID', { message: `${line.kind} ${line.value.text} is empty` }, job.origin);
    }
    return text;
  };
  switch (instruction.kind) {
    case 'ENV': {
      const pairs = expandPairs(instruction);
      for (const [name, text] of pairs) state.env.set(name, text);
      return set({ Env: envList(state.env) }, `ENV ${showPairs(pairs)}`);
    }
    case 'LABEL': {
      const pairs = expandPairs(instruction);
      const Labels = { ...state.config.Labels, ...Object.fromEntries(pairs) };
      return set({ Labels: sortKeys(Labels) }, `LABEL ${showPairs(pairs)}`);
    }
    case 'CMD': {
      const args = commandOf(instruction);
      state.cmdSet = true;
      return set({ Cmd: args.length === 0 ? undefined : args }, `CMD ${showList(args)}`);
    }
    case 'ENTRYPOINT': {
      const args = commandOf(instruction);
      const Entrypoint = args.length === 0 ? undefined : args;
      // A command inherited with another entrypoint would mean something else: it goes.
      const reset = state.cmdSet ? {} : { Cmd: undefined };
      return set({ Entrypoint, ...reset }, `ENTRYPOINT ${showList(args)}`);
    }
    case 'SHELL': {
      const Shell = instruction.args.map((word) => word.text);
      return set({ Shell }, `SHELL [${Shell.join(' ')}]`);
    }
    case 'EXPOSE': {
      const ports = instruction.words.flatMap((word) =>
        expander.words(word, variables).flatMap((text) => {
          const found = parsePorts(text);
          if (found !== undefined) return found;
          const message = `invalid port ${JSON.stringify(text)} in EXPOSE`;
          const hint = 'want a number from 0 to 65535 or a range, with /tcp, /udp or /sctp if need be';
          throw fail('PLAN_INVALID', { message, hint }, word.range);
        }),
      );
      const sorted = [...new Set(ports)].sort();
      const added = Object.fromEntries(sorted.map((port) => [port, {}]));
      const ExposedPorts = sortKeys({ ...state.config.ExposedPorts, ...added });
      return set({ ExposedPorts }, `EXPOSE [${sorted.join(' ')}]`);
    }
    case 'VOLUME': {
      const paths = instruction.words.map((word) => {
        const path = expander.text(word, variables);
        if (path !== '') return path;
        throw fail('PLAN_INVALID', { message: 'VOLUME specified can not be an empty string' }, word.range);
      });
      const added = Object.fromEntries(paths.map((path) => [path, {}]));
      const Volumes = sortKeys({ ...state.config.Volumes, ...added });
      return set({ Volumes }, `VOLUME [${paths.join(' ')}]`);
    }
    case 'WORKDIR':
      return { kind: 'workdir', path: joinPath(state.config.WorkingDir, value()) };
    case 'USER': {
      const User = value();
      return set({ User }, `USER ${User}`);
    }
    case 'STOPSIGNAL': {
      const StopSignal = value();
      if (!isSignal(StopSignal)) {
        const message = `invalid signal ${JSON.stringify(StopSignal)} in STOPSIGNAL`;
        throw fail('PLAN_INVALID', { message, hint: 'want a name like SIGTERM or a number' }, job.origin);
      }
      return set({ StopSignal }, `STOPSIGNAL ${StopSignal}`);
    }
    case 'MAINTAINER':
      return set({}, `MAINTAINER ${instruction.value.text}`, instruction.value.text);
    case 'ONBUILD': {
      const text = triggerText(instruction);
      return set({ OnBuild: [...(state.config.OnBuild ?? []), text] }, `ONBUILD ${text}`);
    }
    default:
      return never(instruction);
  }

  /** Names and values, all from the variables as they were before the instruction. */
  function expandPairs({ pairs, kind }: PairsInstruction): [string, string][] {
    return pairs.map((pair) => {
      const name = expander.text(pair.name, variables);
      if (name === '') {
        throw fail('PLAN_INVALID', { message: `${kind} names can not be blank` }, pair.name.range);
      }
      return [name, expander.text(pair.value, variables)];
    });
  }

  function commandOf({ command }: CommandInstruction): readonly string[] {
    return command.form === 'exec'
      ? command.args.map((word) => word.text)
      : [...shellOf(state.config), command.text];
  }
}

/** A path of the image made absolute and clean. */
export function joinPath(cwd: string | undefined, path: string): string {
  return cleanPath(path.startsWith('/') ? path : `/${cwd ?? ''}/${path}`);
}

function showPairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(' ');
}

/** As builders write it into a history: quoted, with blanks between. */
function showList(args: readonly string[]): string {
  return `[${args.map((arg) => JSON.stringify(arg)).join(' ')}]`;
}

function sortKeys<T>(value: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
