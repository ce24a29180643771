import { type CommandRow, row } from './command-row.ts';
import { CONTAINER_COMMANDS } from './container-commands.ts';

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
  ...CONTAINER_COMMANDS,
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
