import type { CopyInstruction, Word } from '../dockerfile/ast.ts';
import { joinPath } from './plan-config.ts';
import { type CopyFlags, readCopyFlags } from './plan-copy-flags.ts';
import type { Job } from './plan-layout.ts';
import { planSource } from './plan-source.ts';
import { addStep, type Planner, type StageState, variablesOf } from './plan-state.ts';

const URL = /^(https?|ftp):\/\//i;
const GIT = /^(git@[^:]+:|git:\/\/|ssh:\/\/|https?:\/\/\S+\.git(?:[#?]|$))/i;
/** Plans COPY, and ADD of plain files. @throws PLAN_… */
export function planCopy(planner: Planner, state: StageState, job: Job, instruction: CopyInstruction): void {
  const { expander, fail } = planner.layout;
  const { kind } = instruction;
  const variables = variablesOf(state);
  const copyFlags = readCopyFlags(instruction, variables, planner.layout);
  const { chown, chmod, link, parents, exclude } = copyFlags;
  const unpack =
    kind === 'COPY' || copyFlags.unpack === false ? undefined : copyFlags.unpack === true ? 'all' : 'local';
  refuseUnbuilt(copyFlags);
  const sources = instruction.sources.map((word) => {
    const text = expander.text(word, variables);
    checkSource(text, word);
    return text;
  });
  const inline = instruction.heredocs.map(({ name, body, expand, word }) => ({
    name,
    text: expand ? expander.body(body, word, variables) : body,
  }));
  const dest = expander.text(instruction.dest, variables);
  if (dest === '') {
    throw fail('PLAN_INVALID', { message: `the destination of ${kind} is empty` }, instruction.dest.range);
  }
  const [from, reads] = planSource(planner, state, planner.layout.source(job, state.laid), job.origin);
  const shown = [...sources, ...inline.map(({ name }) => `<<${name}`), dest];
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

  function refuseUnbuilt({ keepGitDir, checksum }: CopyFlags): void {
    const { range } = instruction;
    if (keepGitDir === true) throw fail('PLAN_UNSUPPORTED', { what: `${kind} --keep-git-dir` }, range);
    if (checksum !== undefined) throw fail('PLAN_UNSUPPORTED', { what: `${kind} --checksum` }, range);
  }

  function checkSource(text: string, word: Word): void {
    if (text === '') {
      const message = `a source of ${kind} is empty: ${JSON.stringify(word.text)}`;
      throw fail('PLAN_INVALID', { message, hint: 'the context itself is "."' }, word.range);
    }
    const remote = GIT.test(text) ? 'git repository' : URL.test(text) ? 'URL' : undefined;
    if (remote === undefined) return;
    if (kind === 'ADD') throw fail('PLAN_UNSUPPORTED', { what: `ADD of a ${remote}` }, word.range);
    const message = `source can't be a ${remote === 'URL' ? 'URL' : 'git ref'} for COPY`;
    throw fail('PLAN_INVALID', { message }, word.range);
  }
}

/** Absolute; ends with a slash if it was written as a directory. */
function absoluteDest(cwd: string | undefined, dest: string): string {
  const path = joinPath(cwd, dest);
  const directory = /(^|\/)(\.{1,2})?$/.test(dest);
  return directory && path !== '/' ? `${path}/` : path;
}
