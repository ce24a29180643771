import { readFileSync } from 'node:fs';
import { containerError } from '../containers/errors.ts';
import { containerProcesses } from '../containers/find-process.ts';
import { processColumns, readProcessFacts, readUserNames } from '../containers/process-columns.ts';
import { readBootTime } from '../runtime/process-table.ts';
import { ownerPid } from '../store/owner.ts';
import type { App } from './app.ts';
import { findRunning } from './reach-container.ts';

/** A container's processes, as docker's engine answers. */
export interface ContainerProcesses {
  readonly Titles: readonly string[];
  /** By pid; cells in the order of the titles. */
  readonly Processes: readonly (readonly string[])[];
}

/** The processes of a container, by their numbers on this machine, with the columns that these options of `ps` ask for. @throws CONTAINER_UNKNOWN, CONTAINER_NOT_RUNNING, CONTAINER_TOP_OPTION, CONTAINER_TOP_NONE */
export async function topContainer(
  app: App,
  name: string,
  options: readonly string[],
): Promise<ContainerProcesses> {
  const columns = processColumns(options);
  const { state } = await findRunning(app, name);
  const owner = state.kind === 'running' ? ownerPid(state.owner) : undefined;
  const pids = owner === undefined ? [] : containerProcesses(owner);
  if (pids.length === 0) throw containerError('CONTAINER_TOP_NONE', { name });
  const now = Date.now();
  const [booted, users] = [readBootTime(), readUserNames(readPasswd())];
  return {
    Titles: columns.map(({ title }) => title),
    Processes: pids.flatMap((pid) => {
      const facts = readProcessFacts(pid, booted, users);
      return facts === undefined ? [] : [columns.map(({ show }) => show(facts, now))];
    }),
  };
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
