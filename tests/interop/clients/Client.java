import java.io.InputStream;
import java.io.OutputStream;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A GA/T 1400 device on the JDK's HttpURLConnection: registers, keeps alive, posts a file, asks the time. */
public final class Client {
    private static String base;
    private static String code;

    public static void main(String[] args) throws Exception {
        base = args[0];
        code = args[1];
        char[] password = args[2].toCharArray();
        Authenticator.setDefault(new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(code, password);
            }
        });
        byte[] name = ("{\"DeviceID\":\"" + code + "\"}").getBytes(StandardCharsets.UTF_8);
        say("POST", "/VIID/System/Register", wrapped("RegisterObject", name));
        say("POST", "/VIID/MotorVehicles", Files.readAllBytes(Path.of(args[3])));
        say("POST", "/VIID/System/Keepalive", wrapped("KeepaliveObject", name));
        say("GET", "/VIID/System/Time", null);
    }

    private static byte[] wrapped(String name, byte[] inner) {
        return ("{\"" + name + "\":" + new String(inner, StandardCharsets.UTF_8) + "}").getBytes(StandardCharsets.UTF_8);
    }

    private static void say(String method, String path, byte[] body) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(base + path).openConnection();
        connection.setRequestMethod(method);
        connection.setRequestProperty("User-Identify", code);
        connection.setRequestProperty("Content-Type", "application/VIID+JSON;charset=UTF-8");
        if (body != null) {
            connection.setDoOutput(true);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }
        int status = connection.getResponseCode();
        try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            String told = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
            System.out.println(status + " " + told);
        }
    }
}
