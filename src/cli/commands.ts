import type { CommandSpec } from './spec.ts';

/** One row of the list of commands; the command itself is loaded when it is asked for. */
export interface CommandRow {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  readonly aliases: readonly string[];
  load(): Promise<CommandSpec>;
}

/** Every command of this version, in the order of the help. */
export const COMMANDS: readonly CommandRow[] = [
  row(
    'build',
    'build',
    'Build an image from a Dockerfile',
    ['image build', 'buildx build', 'builder build'],
    () => import('./commands/build.ts'),
  ),
  row(
    'builder prune',
    'build',
    'Remove the build cache',
    ['buildx prune'],
    () => import('./commands/builder-prune.ts'),
  ),
  row(
    'builds ls',
    'build',
    'List builds: how they ended, how long they took',
    ['builds list', 'buildx history ls'],
    () => import('./commands/builds-ls.ts'),
  ),
  row(
    'builds inspect',
    'build',
    'Show what a build did, step by step',
    ['buildx history inspect'],
    () => import('./commands/builds-inspect.ts'),
  ),
  row(
    'builds logs',
    'build',
    'Print all that the steps of a build printed',
    ['buildx history logs'],
    () => import('./commands/builds-logs.ts'),
  ),
  row(
    'builds rm',
    'build',
    'Remove records of builds',
    ['builds remove', 'buildx history rm'],
    () => import('./commands/builds-rm.ts'),
  ),
  row('images', 'images', 'List images', ['image ls', 'image list'], () => import('./commands/images.ts')),
  row(
    'history',
    'images',
    'Show how an image was made, row by row',
    ['image history'],
    () => import('./commands/history.ts'),
  ),
  row(
    'inspect',
    'images',
    'Show everything about containers and images',
    [],
    () => import('./commands/inspect.ts'),
  ),
  row(
    'image inspect',
    'images',
    'Show everything about images',
    [],
    () => import('./commands/image-inspect.ts'),
  ),
  row('tag', 'images', 'Give an image another name', ['image tag'], () => import('./commands/tag.ts')),
  row(
    'rmi',
    'images',
    'Remove names of images, and images without a name',
    ['image rm', 'image remove'],
    () => import('./commands/rmi.ts'),
  ),
  row(
    'image prune',
    'images',
    'Remove images that lost their name',
    [],
    () => import('./commands/image-prune.ts'),
  ),
  row(
    'explore',
    'look inside',
    'Show what each layer added, changed, removed and hides',
    [],
    () => import('./commands/explore.ts'),
  ),
  row(
    'compare',
    'look inside',
    'Compare the files of two images: by directory, package and file',
    [],
    () => import('./commands/compare.ts'),
  ),
  row(
    'ls',
    'look inside',
    'List files of an image, of any of its layers',
    [],
    () => import('./commands/ls.ts'),
  ),
  row(
    'cat',
    'look inside',
    'Print files of an image, of any of its layers',
    [],
    () => import('./commands/cat.ts'),
  ),
  row(
    'extract',
    'look inside',
    'Take a file or directory out of an image, out of any of its layers',
    [],
    () => import('./commands/extract.ts'),
  ),
  row(
    'squash',
    'improve',
    'Make one layer of several, and prove that the files are the same',
    [],
    () => import('./commands/squash.ts'),
  ),
  row('login', 'move', 'Log in to a registry', [], () => import('./commands/login.ts')),
  row('logout', 'move', 'Forget the credentials for a registry', [], () => import('./commands/logout.ts')),
  row('pull', 'move', 'Fetch an image from a registry', ['image pull'], () => import('./commands/pull.ts')),
  row(
    'push',
    'move',
    'Send an image to the registry in its name',
    ['image push'],
    () => import('./commands/push.ts'),
  ),
  row(
    'save',
    'move',
    'Write images to an archive that every tool reads',
    ['image save'],
    () => import('./commands/save.ts'),
  ),
  row(
    'load',
    'move',
    'Read images from an archive or an OCI layout',
    ['image load'],
    () => import('./commands/load.ts'),
  ),
  row(
    'import',
    'move',
    'Make an image from a tar of a root file system',
    ['image import'],
    () => import('./commands/import.ts'),
  ),
  row(
    'run',
    'containers',
    'Run a program in a container of an image',
    ['container run'],
    () => import('./commands/run.ts'),
  ),
  row(
    'ps',
    'containers',
    'List containers',
    ['container ls', 'container list', 'container ps'],
    () => import('./commands/ps.ts'),
  ),
  row(
    'create',
    'containers',
    'Make a container without starting it',
    ['container create'],
    () => import('./commands/create.ts'),
  ),
  row(
    'start',
    'containers',
    'Start a container again',
    ['container start'],
    () => import('./commands/start.ts'),
  ),
  row(
    'stop',
    'containers',
    'Ask containers to end, and kill those that do not',
    ['container stop'],
    () => import('./commands/stop.ts'),
  ),
  row(
    'restart',
    'containers',
    'Stop containers and start them again',
    ['container restart'],
    () => import('./commands/restart.ts'),
  ),
  row('pause', 'containers', 'Halt all processes', ['container pause'], () => import('./commands/pause.ts')),
  row(
    'unpause',
    'containers',
    'Let them go on',
    ['container unpause'],
    () => import('./commands/unpause.ts'),
  ),
  row(
    'kill',
    'containers',
    'Kill containers, or send them a signal',
    ['container kill'],
    () => import('./commands/kill.ts'),
  ),
  row(
    'wait',
    'containers',
    'Wait until containers have ended',
    ['container wait'],
    () => import('./commands/wait.ts'),
  ),
  row(
    'exec',
    'containers',
    'Run one more program in a running container',
    ['container exec'],
    () => import('./commands/exec.ts'),
  ),
  row(
    'attach',
    'containers',
    'See and type into a container in the background',
    ['container attach'],
    () => import('./commands/attach.ts'),
  ),
  row(
    'logs',
    'containers',
    'Print what a container printed',
    ['container logs'],
    () => import('./commands/logs.ts'),
  ),
  row(
    'rm',
    'containers',
    'Remove containers',
    ['container rm', 'container remove'],
    () => import('./commands/rm.ts'),
  ),
  row(
    'container inspect',
    'containers',
    'Show everything about containers',
    [],
    () => import('./commands/container-inspect.ts'),
  ),
  row(
    'container prune',
    'containers',
    'Remove all containers that do not run',
    [],
    () => import('./commands/container-prune.ts'),
  ),
  row(
    'rename',
    'containers',
    'Give a container another name',
    ['container rename'],
    () => import('./commands/rename.ts'),
  ),
  row(
    'diff',
    'containers',
    'Show what a container changed',
    ['container diff'],
    () => import('./commands/diff.ts'),
  ),
  row(
    'commit',
    'containers',
    'Make an image of a container',
    ['container commit'],
    () => import('./commands/commit.ts'),
  ),
  row(
    'cp',
    'containers',
    'Copy files between a container and this machine',
    ['container cp'],
    () => import('./commands/cp.ts'),
  ),
  row(
    'export',
    'containers',
    'Write all files of a container as a tar',
    ['container export'],
    () => import('./commands/export.ts'),
  ),
  row(
    'port',
    'containers',
    'Show which ports lead into a container',
    ['container port'],
    () => import('./commands/port.ts'),
  ),
  row(
    'bundle',
    'containers',
    'Write an image as an OCI runtime bundle',
    [],
    () => import('./commands/bundle.ts'),
  ),
  row(
    'runtimes',
    'containers',
    'Show which runtimes work here, and what each isolates',
    [],
    () => import('./commands/runtimes.ts'),
  ),
  row('volume create', 'containers', 'Make a volume', [], () => import('./commands/volume-create.ts')),
  row('volume ls', 'containers', 'List volumes', ['volume list'], () => import('./commands/volume-ls.ts')),
  row(
    'volume inspect',
    'containers',
    'Show everything about volumes',
    [],
    () => import('./commands/volume-inspect.ts'),
  ),
  row(
    'volume rm',
    'containers',
    'Remove volumes',
    ['volume remove'],
    () => import('./commands/volume-rm.ts'),
  ),
  row(
    'volume prune',
    'containers',
    'Remove volumes that no container uses',
    [],
    () => import('./commands/volume-prune.ts'),
  ),
  row(
    'system df',
    'system',
    'Show what takes space in the store',
    [],
    () => import('./commands/system-df.ts'),
  ),
  row('system prune', 'system', 'Remove what no image needs', [], () => import('./commands/system-prune.ts')),
  row(
    'system check',
    'system',
    'Check that everything in the store is whole',
    [],
    () => import('./commands/system-check.ts'),
  ),
  row(
    'info',
    'system',
    'Show the store, the runtimes and what works here',
    ['system info'],
    () => import('./commands/info.ts'),
  ),
  row('version', 'system', 'Show the version', [], () => import('./commands/version.ts')),
];

/** The command that these words begin with, and the words after its name; undefined if there is none. */
export function findCommand(
  words: readonly string[],
): { readonly command: CommandRow; readonly rest: readonly string[] } | undefined {
  for (const length of [3, 2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = COMMANDS.find((candidate) => candidate.name === name || candidate.aliases.includes(name));
    if (words.length >= length && command !== undefined) return { command, rest: words.slice(length) };
  }
  return undefined;
}

function row(
  name: string,
  group: string,
  summary: string,
  aliases: readonly string[],
  load: () => Promise<{ readonly command: CommandSpec }>,
): CommandRow {
  return { name, group, summary, aliases, load: async () => (await load()).command };
}
