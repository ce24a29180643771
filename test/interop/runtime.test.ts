import { describeExecutor } from './runtime-suite.ts';

describeExecutor('runc', { seccomp: true });
describeExecutor('crun', { seccomp: true });
describeExecutor('chroot', { seccomp: false });
