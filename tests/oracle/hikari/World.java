// The server, its connections, and the trace of what is done to them, in real time.
//
// Every message takes half a round trip. A server that restarts ends its sessions and refuses others while it is down; a
// driver knows half a round trip later. So what becomes of a call is known when it begins, and the caller sleeps until then.

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

final class World {
    /** The request that a thread is. */
    static final ThreadLocal<Integer> REQUEST = new ThreadLocal<>();

    private record Row(long at, String word) {}

    final Schedule schedule;
    private volatile long start;
    private final AtomicInteger opened = new AtomicInteger();
    private final List<Row> rows = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    private long latest;
    volatile boolean isBuilt;

    World(Schedule schedule) {
        this.schedule = schedule;
    }

    /** It is now the start. */
    void begin() {
        start = System.nanoTime();
    }

    double now() {
        return (System.nanoTime() - start) / 1e6;
    }

    void note(char letter, Integer request, Integer connection) {
        note(System.nanoTime() - start, letter, request, connection);
    }

    private synchronized void note(long at, char letter, Integer request, Integer connection) {
        if (at < schedule.end * 1_000_000L) {
            rows.add(new Row(at, letter + (request == null ? "" : request.toString()) + (connection == null ? "" : "/" + connection)));
        }
    }

    synchronized void failed(int request, String why) {
        errors.add("\"" + request + " " + why + "\"");
    }

    /** Sleeps until a time, and sees how late that was. */
    void until(double at) {
        try {
            for (double left = at - now(); left > 0; left = at - now()) {
                Thread.sleep((long) left, (int) (left % 1 * 1e6));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        late((long) ((now() - at) * 1e6));
    }

    private synchronized void late(long ns) {
        latest = Math.max(latest, ns);
    }

    /** By how many milliseconds this machine was late at worst. */
    synchronized double latest() {
        return latest / 1e6;
    }

    /** A line of a recording. */
    synchronized String line() {
        StringBuilder trace = new StringBuilder();
        rows.sort((one, other) -> Long.compare(one.at, other.at));
        long before = 0;
        for (Row row : rows) {
            trace.append(trace.length() > 0 ? " " : "").append(row.at == before ? "" : row.at - before).append(row.word);
            before = row.at;
        }
        return "{\"schedule\":" + schedule.json() + ",\"trace\":\"" + trace + "\",\"counters\":\"\",\"ties\":\"\",\"errors\":["
                + String.join(",", errors) + "]}";
    }

    DataSource dataSource() {
        return stub(DataSource.class, (proxy, method, arguments) -> {
            if (method.getName().equals("getConnection")) {
                return connect();
            }
            return nothing(method.getReturnType());
        });
    }

    private Connection connect() throws SQLException {
        int serial = opened.incrementAndGet();
        double half = schedule.roundTrip / 2.0;
        note('s', null, serial);
        double arrives = now() + half;
        double admitted = arrives + schedule.connect;
        boolean isDown = schedule.restarts.stream().anyMatch(restart -> restart.at() <= arrives && arrives < restart.at() + restart.down());
        double ends = schedule.restarts.stream().mapToDouble(Schedule.Restart::at).filter(at -> at > arrives).findFirst().orElse(1e9);
        until(isDown ? arrives + half : Math.min(admitted, ends) + half);
        if (isDown || ends <= admitted) {
            note('f', null, serial);
            throw new SQLException(isDown ? "refused" : "lost", "08001");
        }
        note('d', null, serial);
        return stub(Connection.class, new Session(serial, ends));
    }

    /** A connection of the driver. */
    private final class Session implements InvocationHandler {
        final int serial;
        final double ends;
        boolean lost;

        Session(int serial, double ends) {
            this.serial = serial;
            this.ends = ends;
        }

        @Override
        public Object invoke(Object proxy, java.lang.reflect.Method method, Object[] arguments) throws SQLException {
            switch (method.getName()) {
                case "isValid":
                    // HikariCP tries once whether the driver knows this call.
                    return !isBuilt || check();
                case "createStatement":
                    return stub(Statement.class, (statement, called, given) -> {
                        if (called.getName().equals("execute")) {
                            ask(Integer.parseInt((String) given[0]));
                        }
                        return nothing(called.getReturnType());
                    });
                case "getAutoCommit":
                    return true;
                case "close":
                    note('c', null, serial);
                    return null;
                case "unwrap":
                    return serial;
                default:
                    return nothing(method.getReturnType());
            }
        }

        private boolean check() {
            note('p', REQUEST.get(), serial);
            try {
                ask(0);
                return true;
            } catch (SQLException e) {
                return false;
            }
        }

        private void ask(int demand) throws SQLException {
            double half = schedule.roundTrip / 2.0;
            double told = ends + half;
            if (!lost && now() < told) {
                double finished = now() + half + demand;
                lost = finished >= ends;
                until(lost ? told : finished + half);
            } else {
                lost = true;
            }
            if (lost) {
                throw new SQLException("lost", "08006");
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> T stub(Class<T> kind, InvocationHandler handler) {
        return (T) Proxy.newProxyInstance(World.class.getClassLoader(), new Class<?>[] {kind}, (proxy, method, arguments) -> {
            switch (method.getName()) {
                case "hashCode": return System.identityHashCode(proxy);
                case "equals": return proxy == arguments[0];
                case "toString": return kind.getSimpleName();
                default: return handler.invoke(proxy, method, arguments);
            }
        });
    }

    private static Object nothing(Class<?> kind) {
        if (kind == boolean.class) {
            return false;
        }
        return kind == int.class ? (Object) 0 : kind == long.class ? (Object) 0L : null;
    }
}
