// A GA/T 1400 device on cpp-httplib: registers, keeps alive, posts a file, asks the time.
#define CPPHTTPLIB_OPENSSL_SUPPORT
#include <fstream>
#include <httplib.h>
#include <iostream>
#include <sstream>

namespace {
void say(const httplib::Result &told) {
    if (!told) {
        std::cout << "0 " << httplib::to_string(told.error()) << std::endl;
        return;
    }
    std::cout << told->status << " " << told->body << std::endl;
}
}  // namespace

int main(int, char **args) {
    const std::string code = args[2], media = "application/VIID+JSON;charset=UTF-8";
    httplib::Client client(args[1]);
    client.set_digest_auth(args[2], args[3]);
    client.set_keep_alive(true);
    client.set_default_headers({{"User-Identify", code}});
    std::ostringstream passages;
    passages << std::ifstream(args[4], std::ios::binary).rdbuf();
    const std::string name = "{\"DeviceID\":\"" + code + "\"}";
    say(client.Post("/VIID/System/Register", "{\"RegisterObject\":" + name + "}", media));
    say(client.Post("/VIID/MotorVehicles", passages.str(), media));
    say(client.Post("/VIID/System/Keepalive", "{\"KeepaliveObject\":" + name + "}", media));
    say(client.Get("/VIID/System/Time"));
}
