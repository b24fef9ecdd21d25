-- The outbox needs no table but the library's own.
SELECT 1;
