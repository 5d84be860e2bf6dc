// Plays random schedules to the real HikariCP, many at a time, and writes what it did, one JSON object a line:
//
//     java Play SCHEDULES FIRST_SEED > traces.jsonl
//
// A schedule in which this machine was late to wake somebody is played again: what the pool does then is not what it is
// asked. That is decided without a look at what it did.

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

final class Play {
    /** Milliseconds; a schedule whose sleepers were later is played again. */
    private static final double LATE = 10;
    private static final int AT_ONCE = 20;
    private static final int ROUNDS = 6;

    public static void main(String[] given) throws InterruptedException {
        long schedules = Long.parseLong(given[0]);
        long first = Long.parseLong(given[1]);
        List<Long> seeds = new ArrayList<>(LongStream.range(first, first + schedules).boxed().toList());
        // The first pool of a process takes its time for loading classes.
        play(new World(new Schedule(first)));
        for (int round = 0; round < ROUNDS && !seeds.isEmpty(); round++) {
            List<Long> again = new ArrayList<>();
            for (int from = 0; from < seeds.size(); from += AT_ONCE) {
                again.addAll(together(seeds.subList(from, Math.min(from + AT_ONCE, seeds.size()))));
            }
            seeds = again;
        }
        if (!seeds.isEmpty()) {
            System.err.println(seeds.size() + " of " + schedules + " schedules were disturbed " + ROUNDS + " times and are left out");
        }
        System.exit(0);
    }

    /** Plays these at the same time; those that were disturbed. */
    private static List<Long> together(List<Long> seeds) throws InterruptedException {
        List<World> worlds = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (long seed : seeds) {
            World world = new World(new Schedule(seed));
            worlds.add(world);
            threads.add(start(() -> play(world)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        List<Long> disturbed = new ArrayList<>();
        for (World world : worlds) {
            if (world.latest() > LATE) {
                disturbed.add(world.schedule.seed);
            } else {
                System.out.println(world.line());
            }
        }
        return disturbed;
    }

    private static Thread start(Runnable work) {
        Thread thread = new Thread(work);
        thread.start();
        return thread;
    }

    private static void play(World world) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(world.dataSource());
        config.setMaximumPoolSize(world.schedule.most);
        config.setMinimumIdle(world.schedule.least);
        config.setConnectionTimeout(world.schedule.timeout);
        config.setValidationTimeout(250);
        config.setMaxLifetime(0);
        world.begin();
        HikariDataSource pool = new HikariDataSource(config);
        world.isBuilt = true;
        for (int number = 0; number < world.schedule.requests.size(); number++) {
            int request = number;
            start(() -> request(request, pool, world));
        }
        // HikariCP's own threads are as late as this one.
        while (world.now() < world.schedule.end) {
            world.until(world.now() + 4);
        }
        pool.close();
    }

    private static void request(int number, HikariDataSource pool, World world) {
        World.REQUEST.set(number);
        Schedule.Request request = world.schedule.requests.get(number);
        world.until(request.at());
        try {
            for (List<Schedule.Step> steps : request.sessions()) {
                session(number, steps, pool, world);
                world.until(world.now() + request.pause());
            }
        } catch (SQLTransientConnectionException e) {
            world.note('t', number, null);
            // "HikariPool-3 - Connection is not available, request timed out after 501ms."
            world.failed(number, e.getMessage().replaceAll("^\\S+ - |\\d+ms.*$", "").trim());
        } catch (SQLException e) {
            world.failed(number, e.getMessage());
        }
    }

    private static void session(int number, List<Schedule.Step> steps, HikariDataSource pool, World world) throws SQLException {
        try (Connection lent = pool.getConnection()) {
            world.note('o', number, lent.unwrap(Integer.class));
            for (Schedule.Step step : steps) {
                if (step.isQuery()) {
                    try (Statement statement = lent.createStatement()) {
                        statement.execute(Integer.toString(step.ms()));
                    }
                } else {
                    world.until(world.now() + step.ms());
                }
            }
        }
    }
}
