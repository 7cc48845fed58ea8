// A file does not change: there is nothing to ask for again.

export class Refresh {
  start() {}
}
