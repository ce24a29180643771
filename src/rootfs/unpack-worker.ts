import { serveTasks } from '../base/worker.ts';
import type { RootfsEvent } from './errors.ts';
import { runUnpackTask, type UnpackResult, type UnpackTask } from './unpack-task.ts';

serveTasks<UnpackTask, UnpackResult, RootfsEvent>(runUnpackTask);
