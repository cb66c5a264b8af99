// The CUDA backend's stream: a device's queue, where ops run in the order they are issued.
//
// An op returns as soon as its kernels are queued. The tests of kernels link another implementation of this class,
// which runs kernels on the CPU (kernels/cuda_on_cpu/).
#pragma once

namespace abr {
class Profile;
}

namespace abr::cuda {

// Whether there is a device that this build can use.
bool device_available();

class Stream {
  public:
    // A queue on the current device. Throws cuda::Error where there is none.
    Stream();
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Waits until everything queued is done. Throws cuda::Error where it failed; it names the kernel that was
    // launched last.
    void synchronize();

    // Where ops note their time; null, as at first, for nowhere. The profile outlives its use here.
    void set_profile(Profile* profile) { profile_ = profile; }
    Profile* profile() const { return profile_; }

    void* handle() const { return handle_; }  // the cudaStream_t
    // The kernel queued last, which errors that come later name.
    void set_last_kernel(const void* kernel) { last_kernel_ = kernel; }

  private:
    Profile* profile_ = nullptr;
    void* handle_ = nullptr;
    const void* last_kernel_ = nullptr;
};

}  // namespace abr::cuda
