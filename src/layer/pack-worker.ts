import { serveTasks } from '../base/worker.ts';
import type { PackedLayer } from './pack-layer.ts';
import { type PackTask, packFile } from './write-layer.ts';

serveTasks<PackTask, PackedLayer>(packFile);
