import { resolve } from 'node:path';

/** What the client program is told, as JSON in its first argument. */
export interface ClientTask {
  readonly storeFolder: string;
  readonly runtime: string;
  /** What it is asked which executor it has for; containers if absent. */
  readonly use?: 'plain' | 'full' | undefined;
  /** Each is a shell command run over the same base and committed; its output and exit code are printed as a line of JSON. */
  readonly commands: readonly string[];
  readonly over?: object;
  /** The streams of the commands are the client's own; `-i` and `-t` of dobos run. Nothing is committed. */
  readonly inherit?: { readonly interactive: boolean; readonly tty: boolean };
  /** Starts again after the last command, until it is killed. */
  readonly forever?: boolean;
}

/** A program that uses the built library as another process does: `node --input-type=module -e CLIENT JSON`. */
export function clientProgram(dist = resolve('dist')): string {
  return `
    import { statSync } from 'node:fs';
    const { openKeeper } = await import('${dist}/runtime/keeper.js');
    const { createDirectoryStore } = await import('${dist}/store/directory-store.js');
    const { writeLayer } = await import('${dist}/layer/write-layer.js');
    const task = JSON.parse(process.argv[1]);
    const store = createDirectoryStore(task.storeFolder);
    const own = { uid: 0, gid: 0, mtime: 1e9 };
    const busybox = '/usr/bin/busybox';
    const content = { kind: 'disk', path: busybox, size: statSync(busybox).size };
    const text = (path, words) => ({ ...own, path, kind: 'file', mode: 0o644, content: { kind: 'bytes', bytes: Buffer.from(words) } });
    const { blob, diffId } = await writeLayer(store, [
      { ...own, path: 'bin', kind: 'directory', mode: 0o755 },
      { ...own, path: 'bin/busybox', kind: 'file', mode: 0o755, content },
      ...['sh', 'id', 'cat', 'ls', 'grep', 'stat', 'sleep', 'mknod', 'chown', 'wc', 'head', 'chroot', 'ip'].map((name) => ({ ...own, path: 'bin/' + name, kind: 'symlink', mode: 0o777, linkTo: 'busybox' })),
      { ...own, path: 'etc', kind: 'directory', mode: 0o755 },
      text('etc/group', 'root:x:0:\\nwheel:x:10:app\\n'),
      text('etc/passwd', 'root:x:0:0::/root:/bin/sh\\napp:x:1000:1001::/home/app:/bin/sh\\n'),
    ].sort((a, b) => (a.path < b.path ? -1 : 1)));
    const keeper = await openKeeper({ storeFolder: task.storeFolder, runtime: task.runtime });
    const plain = { env: ['MARK=' + process.env.MARK], cwd: '/', user: '', network: 'host', hostname: 'box', tty: false, binds: [], ...task.over };
    console.log(JSON.stringify({ executor: await keeper.executor(task.use) }));
    do {
      let layers = [{ blob, diffId }];
      for (const command of task.commands) {
        const stdout = [];
        const stderr = [];
        const onEvent = ({ stream, bytes }) => (stream === 'stdout' ? stdout : stderr).push(Buffer.from(bytes));
        const args = ['/bin/sh', '-c', command];
        const request = task.inherit === undefined
          ? { layers, io: 'events', commit: true, process: { ...plain, args } }
          : { layers, io: 'inherit', commit: false, interactive: task.inherit.interactive, process: { ...plain, args, tty: task.inherit.tty } };
        try {
          const { exit, layer } = await keeper.run(request, { onEvent });
          if (layer !== undefined) layers = [...layers, layer];
          console.log(JSON.stringify({ code: exit.code, stdout: String(Buffer.concat(stdout)), stderr: String(Buffer.concat(stderr)) }));
        } catch (error) {
          console.log(JSON.stringify({ error: error.code, message: error.message }));
        }
      }
    } while (task.forever);
    await keeper.close();
  `;
}
