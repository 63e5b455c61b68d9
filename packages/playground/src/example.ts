// What a newcomer sees first: some passages help, some say the same again, some are about something else.

export const EXAMPLE = {
  query: "Can people read the database while another program writes to it?",
  text: `SQLite is used in phones, browsers and aeroplanes, and its file format is stable across versions.
With the write-ahead log, readers do not block writers and a writer does not block readers.
In rollback-journal mode a writer needs an exclusive lock on the database while it commits, so every reader has to wait.
The write-ahead log lets readers go on while another program writes, since a writer does not block readers.
A checkpoint copies pages from the write-ahead log back into the database file.
Only one program can write to the database at a time; the others are told that the database is busy.
Readers see the database as it was when their transaction began, even while a writer adds to it.
The full-text extension finds words in documents, and ranks what it found with BM25.
Write-ahead logging does not work over a network file system, because readers and writers share memory.
A busy timeout makes a program wait for a lock instead of failing at once.`,
};
