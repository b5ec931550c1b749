#include "nn/entmax.h"

#include <math.h>

#define STEPS 50 // Newton needs 4 to 8

// tau is the root of |max((alpha - 1) a - tau, 0)|_k = 1, k = 1 / (alpha - 1). A norm is convex and this one
// falls with tau: Newton, begun to the left of the root, climbs towards it and never beyond.
void hh_entmax(float *p, const float *a, size_t n, float alpha)
{
    double by = (alpha > HH_ENTMAX_LEAST ? alpha : HH_ENTMAX_LEAST) - 1.0, k = 1 / by;
    double most = a[0];
    for (size_t i = 1; i < n; i++)
        most = a[i] > most ? a[i] : most;
    double tau = -1, sum = 1; // of by * (a - most), so that the largest is 0
    for (int step = 0; step < STEPS; step++) {
        double slope = 0;
        sum = 0;
        for (size_t i = 0; i < n; i++) {
            double x = by * (a[i] - most) - tau;
            if (!(x > 0))
                continue;
            double power = k == 1 ? x : k == 2 ? x * x : pow(x, k);
            sum += power;
            slope += power / x;
        }
        double norm = pow(sum, by), change = (norm - 1) * sum / (norm * slope);
        tau += change;
        if (change < 1e-13)
            break;
    }
    for (size_t i = 0; i < n; i++) {
        double x = by * (a[i] - most) - tau;
        p[i] = x > 0 ? (float)(pow(x, k) / sum) : 0;
    }
}

float hh_entmax_back(float *da, const float *dp, const float *p, size_t n, float alpha)
{
    double by = (alpha > HH_ENTMAX_LEAST ? alpha : HH_ENTMAX_LEAST) - 1.0;
    double total = 0, weights = 0, along = 0, entropy = 0, with_p = 0, with_entropy = 0;
    for (size_t i = 0; i < n; i++)
        total += p[i];
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] > 0))
            continue;
        double q = p[i] / total, weight = pow(q, 1 - by), h = -q * log(q);
        weights += weight;
        along += weight * dp[i];
        entropy += h;
        with_p += q * dp[i];
        with_entropy += h * dp[i];
    }
    along /= weights;
    for (size_t i = 0; i < n; i++)
        if (p[i] > 0)
            da[i] += (float)(pow(p[i] / total, 1 - by) * (dp[i] - along));
    if (alpha < HH_ENTMAX_LEAST)
        return 0;
    return (float)((with_p - along) / (by * by) + (with_entropy - along * entropy) / by);
}
