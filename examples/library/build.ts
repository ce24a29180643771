// A Dockerfile without RUN needs no root and starts nothing: the files are packed straight from the folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildImage } from 'dobos/build/build-image';
import { findImage } from 'dobos/image/find-image';
import { createDirectoryStore } from 'dobos/store/directory-store';

mkdirSync('context', { recursive: true });
writeFileSync('context/hello.txt', 'hello\n');
const store = createDirectoryStore('store');
const platform = { os: 'linux', architecture: 'amd64' };
const { image } = await buildImage({
  store,
  contextFolder: 'context',
  dockerfileName: 'Dockerfile',
  dockerfileText: 'FROM scratch\nCOPY hello.txt /\nCMD ["/hello"]\n',
  platform,
  buildPlatform: platform,
  resolveBase: (name) => findImage(store, name, { platform }),
  now: Date.now,
});
console.log(image.layers.length, image.config.config?.Cmd?.[0]); // 1 /hello
