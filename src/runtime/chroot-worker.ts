/**
 * The first process of a step of the chroot executor: in fresh namespaces it mounts what a container has, enters the root, gives up its rights and becomes
 * the step's program. It is a program of its own because mounts of the step's pid namespace can only be made inside it.
 */
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dieWithParent } from '../linux/children.ts';
import { joinNamespaces } from '../linux/enter.ts';
import { enableLoopback } from '../linux/loopback.ts';
import { MS_PRIVATE, setPropagation } from '../linux/mount.ts';
import { enterNetworkNamespace } from '../linux/net-namespace.ts';
import {
  becomeProgram,
  changeRoot,
  closeOthersOnExec,
  dropBounding,
  forbidNewRights,
  keepOnExec,
  moveDescriptor,
  resetSignals,
  setCapabilities,
  setHostname,
  setIds,
  takeTerminal,
} from '../linux/process.ts';
import { controlTerminal } from '../linux/pty.ts';
import { limitResource } from '../linux/resource-limits.ts';
import { capabilitiesOf } from './capabilities.ts';
import { enterRoot, mountContainer } from './chroot-mounts.ts';
import { type ChrootTask, READY } from './chroot-task.ts';

/** What leads out of a root that is only changed; and out of one whose file system may open device files. */
const TAKEN: Readonly<Record<'pivot' | 'chroot' | 'plain', readonly string[]>> = {
  pivot: [],
  chroot: ['CAP_SYS_CHROOT'],
  plain: ['CAP_SYS_CHROOT', 'CAP_MKNOD'],
};
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const OWN_FAILURE = 125;
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
  E2BIG: 'argument list too long',
};

/** Standard error of the program where unshare stands between: that of unshare, which this process came with, is for the keeper. */
const STEP_STDERR = 3;

const task = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ChrootTask;
if (task.isolated) moveDescriptor(STEP_STDERR, 2);
const report = openSync(task.report, constants.O_WRONLY | constants.O_APPEND);
let errno: string;
try {
  setUp();
  writeSync(report, READY);
  closeSync(report);
  for (const fd of [0, 1, 2]) keepOnExec(fd);
  resetSignals();
  errno = becomeProgram(task.process.program, task.process.args, task.process.env);
} catch (error) {
  writeSync(report, error instanceof Error ? error.message : String(error));
  process.exit(OWN_FAILURE);
}
writeSync(2, `exec ${task.process.program}: ${WORDS[errno] ?? errno}\n`);
process.exit(errno === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE);

function setUp(): void {
  const { user, cwd } = task.process;
  process.umask(0o022);
  closeOthersOnExec();
  const { confinement = {} } = task;
  if (confinement.oomScoreAdj !== undefined) {
    writeFileSync('/proc/self/oom_score_adj', String(confinement.oomScoreAdj));
  }
  const capabilities = capabilitiesOf(task.privileged, confinement);
  const how: 'pivot' | 'chroot' | 'plain' =
    task.join !== undefined ? joinContainer(task.join) : task.isolated ? enterContainer() : enterPlain();
  process.chdir(cwd);
  if (task.ownTerminal) controlTerminal(0);
  else if (task.tty) takeTerminal(0);
  const keep = capabilities.filter(({ name }) => !TAKEN[how].includes(name)).map(({ number }) => number);
  dropBounding(keep);
  // Last of what needs rights: a limit that is low holds for this program too.
  for (const limit of task.limits ?? []) limitResource(limit);
  setIds(user.uid, user.gid, task.canSetGroups ? user.groups : undefined);
  setCapabilities(user.uid === 0 ? keep : []);
  if (confinement.noNewPrivileges === true) forbidNewRights();
  // The keeper is no first process of a namespace that would take this one along.
  if (!task.isolated) dieWithParent();
}

function enterContainer(): 'pivot' | 'chroot' {
  try {
    setPropagation('/', MS_PRIVATE);
  } catch {
    // In a plain chroot / is no mount; the keeper has made private what is one.
  }
  if (task.hostname !== '') setHostname(task.hostname);
  if (task.joined !== undefined) enterNetworkNamespace(task.joined);
  else if (task.network === 'none') enableLoopback();
  mountContainer(task);
  return enterRoot(task.merged);
}

/** Whether the container was entered by pivot_root is not known: what leads out of a root that is only changed is taken. */
function joinContainer(pid: number): 'chroot' {
  joinNamespaces(pid);
  return 'chroot';
}

function enterPlain(): 'plain' {
  changeRoot(task.merged);
  process.chdir('/');
  return 'plain';
}
