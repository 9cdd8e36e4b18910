import { readdirSync } from 'node:fs';

/** The number of open files and sockets of a process. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
