// A root file system becomes an image with a name, and the image an archive that docker, podman and skopeo read.
import { createReadStream } from 'node:fs';
import { findImage } from 'dobos/image/find-image';
import { importRootfs } from 'dobos/image/import-rootfs';
import { saveToFile } from 'dobos/image/save-images';
import { writeImage } from 'dobos/image/write-image';
import { createDirectoryStore } from 'dobos/store/directory-store';

const store = createDirectoryStore('store');
const platform = { os: 'linux', architecture: 'amd64' };
const name = 'docker.io/library/hello:latest';
await writeImage(store, await importRootfs(store, createReadStream('root.tar.gz'), { platform }), { name });
const image = await findImage(store, 'hello');
await saveToFile(store, [{ image, name }], 'hello.tar');
console.log(image.layers.length, image.config.architecture); // 1 amd64
