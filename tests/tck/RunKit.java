// Runs the test kit and ends with "N passed, N failed", and with exit code 0 only where nothing failed and enough ran:
// the kit itself always ends with 0, and tells of no class that could not be set up.
//
//   java -cp 'KIT/*' RunKit.java PROPERTIES LEAST_PASSED [REGEX]      REGEX: searched in "CN:01-01: Verify ..."

import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.dataspacetck.core.system.ConsoleMonitor;
import org.eclipse.dataspacetck.dsp.system.DspSystemLauncher;
import org.eclipse.dataspacetck.runtime.TckRuntime;

class RunKit {
    private static final String HOST = "127.0.0.1";
    private static final Predicate<String> IS_TEST = Pattern.compile("^[A-Z_]+:[0-9]{2}-[0-9]{2}").asPredicate();

    public static void main(String[] arguments) throws Exception {
        var wanted = Pattern.compile(arguments.length > 2 ? arguments[2] : "").asPredicate();
        var settings = settings(Path.of(arguments[0]));
        var kit = TckRuntime.Builder.newInstance()
                .launcher(DspSystemLauncher.class)
                .addPackage("org.eclipse.dataspacetck.dsp.verification")
                .properties(settings)
                .monitor(new ConsoleMonitor(Boolean.parseBoolean(settings.get("dataspacetck.debug")), false))
                // Classes are asked for as well: whoever refuses one refuses all tests in it.
                .displayNameMatching(name -> !IS_TEST.test(name) || wanted.test(name))
                .build();
        var summary = kit.execute();
        summary.printFailuresTo(new PrintWriter(System.out, true), 3);
        var passed = summary.getTestsSucceededCount();
        var failed = summary.getTotalFailureCount();
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 && passed >= Long.parseLong(arguments[1]) ? 0 : 1);
    }

    /** The file's settings, and a port for the kit's own server, chosen as late as can be. */
    private static Map<String, String> settings(Path file) throws Exception {
        var read = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            read.load(reader);
        }
        try (var probe = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
            read.setProperty("dataspacetck.host", HOST);
            read.setProperty("dataspacetck.port", String.valueOf(probe.getLocalPort()));
            read.setProperty("dataspacetck.callback.address", "http://" + HOST + ":" + probe.getLocalPort());
        }
        return read.stringPropertyNames().stream().collect(Collectors.toMap(name -> name, read::getProperty));
    }
}
