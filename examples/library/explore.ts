// What each layer adds and hides. An archive is read where it lies.
import { exploreImage } from 'dobos/explore/explore-image';
import { viewArchive } from 'dobos/image/view-archive';
import { createMemoryStore } from 'dobos/store/memory-store';

const platform = { os: 'linux', architecture: 'amd64' };
const view = await viewArchive(createMemoryStore(), 'hello.tar', { platform });
const report = await exploreImage(view.store, view.images[0]!.image);
for (const { number, fileBytes, hiddenBytes } of report.layers) console.log(number, fileBytes, hiddenBytes); // 0 6 0
await view.close();
