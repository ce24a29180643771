import type { CopyInstruction, Word } from '../dockerfile/ast.ts';
import { redactUrl } from '../http/redact.ts';
import { joinPath } from './plan-config.ts';
import { readCopyFlags } from './plan-copy-flags.ts';
import type { Job } from './plan-layout.ts';
import { planSource } from './plan-source.ts';
import { addStep, type Planner, type StageState, variablesOf } from './plan-state.ts';
import { parseRemote, type RemoteSource, remoteKind } from './remote/remote-source.ts';

/** Plans COPY and ADD. @throws PLAN_… */
export function planCopy(planner: Planner, state: StageState, job: Job, instruction: CopyInstruction): void {
  const { expander, fail } = planner.layout;
  const { kind } = instruction;
  const variables = variablesOf(state);
  const copyFlags = readCopyFlags(instruction, variables, planner.layout);
  const { chown, chmod, link, parents, exclude } = copyFlags;
  const unpack =
    kind === 'COPY' || copyFlags.unpack === false ? undefined : copyFlags.unpack === true ? 'all' : 'local';
  const words = instruction.sources.map((word) => ({ word, text: expander.text(word, variables) }));
  const remotes = words.flatMap(({ word, text }) => readSource(text, word) ?? []);
  const written = words.map(({ text }) => text);
  const sources = written.filter((text) => remoteKind(text) === undefined);
  checkRemoteFlags();
  const inline = instruction.heredocs.map(({ name, body, expand, word }) => ({
    name,
    text: expand ? expander.body(body, word, variables) : body,
  }));
  const dest = expander.text(instruction.dest, variables);
  if (dest === '') {
    throw fail('PLAN_INVALID', { message: `the destination of ${kind} is empty` }, instruction.dest.range);
  }
  const [from, reads] = planSource(planner, state, planner.layout.source(job, state.laid), job.origin);
  const shown = [...written, ...inline.map(({ name }) => `<<${name}`), dest];
  const given = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`--${name}=${value}`];
  const fromFlag = instruction.flags.find((flag) => flag.name.text === 'from')?.value?.text;
  // In the history as BuildKit writes it: neither where from nor what was left out.
  const flags = [...(parents ? ['--parents'] : []), ...given('chown', chown), ...given('chmod', chmod)];
  const excludes = exclude.map((pattern) => `--exclude=${pattern}`);
  addStep(planner, state, {
    op: {
      kind: 'copy',
      instruction: kind,
      from,
      sources,
      ...(remotes.length > 0 && { remotes }),
      inline,
      dest: absoluteDest(state.config.WorkingDir, dest),
      chown,
      chmod,
      ...(link && { link }),
      ...(parents && { parents }),
      ...(unpack !== undefined && { unpack }),
      ...(exclude.length > 0 && { exclude }),
    },
    origin: job.origin,
    text: [
      kind,
      ...given('from', fromFlag),
      ...(link ? ['--link'] : []),
      ...excludes,
      ...flags,
      ...shown,
    ].join(' '),
    createdBy: `${[kind, ...flags, ...shown].join(' ')} # buildkit`,
    reads,
  });

  /** The source as one from elsewhere, if it is that. */
  function readSource(text: string, word: Word): RemoteSource | undefined {
    if (text === '') {
      const message = `a source of ${kind} is empty: ${JSON.stringify(word.text)}`;
      throw fail('PLAN_INVALID', { message, hint: 'the context itself is "."' }, word.range);
    }
    const remote = remoteKind(text);
    if (remote === undefined) return undefined;
    if (kind === 'COPY') {
      const message = `source can't be a ${remote === 'url' ? 'URL' : 'git ref'} for COPY`;
      throw fail('PLAN_INVALID', { message, hint: 'ADD fetches it' }, word.range);
    }
    const { checksum, keepGitDir } = copyFlags;
    const parsed = parseRemote(text, { checksum, keepGitDir });
    if ('problem' in parsed) {
      const message = `ADD cannot fetch ${JSON.stringify(redactUrl(text))}: ${parsed.problem}`;
      throw fail('PLAN_INVALID', { message }, word.range);
    }
    return parsed;
  }

  function checkRemoteFlags(): void {
    const { checksum, keepGitDir } = copyFlags;
    const flag = (name: string) => instruction.flags.find((each) => each.name.text === name)?.range;
    if (checksum !== undefined && words.length + instruction.heredocs.length !== 1) {
      const message = "checksum can't be specified for multiple sources";
      throw fail('PLAN_INVALID', { message }, flag('checksum') ?? instruction.range);
    }
    if (checksum !== undefined && remotes.length === 0) {
      const message = 'checksum requires HTTP(S) or Git sources';
      throw fail('PLAN_INVALID', { message }, flag('checksum') ?? instruction.range);
    }
    if (keepGitDir !== undefined && !remotes.some((remote) => remote.kind === 'git')) {
      const message = '--keep-git-dir is for git repositories, and no source is one';
      throw fail('PLAN_INVALID', { message }, flag('keep-git-dir') ?? instruction.range);
    }
  }
}

/** Absolute; ends with a slash if it was written as a directory. */
function absoluteDest(cwd: string | undefined, dest: string): string {
  const path = joinPath(cwd, dest);
  const directory = /(^|\/)(\.{1,2})?$/.test(dest);
  return directory && path !== '/' ? `${path}/` : path;
}
