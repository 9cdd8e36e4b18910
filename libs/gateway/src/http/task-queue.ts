/** Most tasks that run in one turn of the event loop. A refused request takes about 50 µs. */
const TASKS_PER_TURN = 8;

/**
 * Runs tasks in their order, a few in each turn of the event loop, so that the process reads new bytes of all
 * connections between them.
 */
export class TaskQueue {
  private readonly tasks: (() => void)[] = [];
  private isScheduled = false;

  push(task: () => void): void {
    this.tasks.push(task);
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.run);
  }

  private readonly run = (): void => {
    this.isScheduled = false;
    const tasks = this.tasks.splice(0, TASKS_PER_TURN);
    if (this.tasks.length > 0) this.schedule();
    for (const task of tasks) task();
  };
}
